# Reference values of segments: R with cluster and mclust (oracles alone), on invented points written beside.
# Run from this folder: Rscript segments_r.R ; it writes segments_points.csv and segments_r.csv.
suppressMessages({library(cluster); library(mclust)})
set.seed(6)
true <- rep(1:3, c(40, 30, 20))
centres <- rbind(c(0, 0, 0), c(4, 0, 1), c(0, 5, -1))
x <- round(centres[true, ] + matrix(rnorm(270), 90, 3), 6)
colnames(x) <- c("a", "b", "c")
write.csv(x, "segments_points.csv", row.names = FALSE)

out <- NULL
keep <- function(what, k, place, value) out <<- rbind(out, data.frame(what = what, k = k, place = place, value = value))
tree <- hclust(dist(x), "ward.D2")
keep("ward_height", 0, seq_along(tree$height), tree$height)
for (k in 2:6) {
  groups <- cutree(tree, k)
  keep("ward_group", k, seq_along(groups), groups)
  keep("silhouette", k, seq_along(groups), silhouette(groups, dist(x))[, "sil_width"])
  medoids <- pam(x, k)
  keep("pam_mean_distance", k, 1, medoids$objective[["swap"]])
  keep("pam_group", k, seq_along(groups), medoids$clustering)
}
gap <- clusGap(x, function(data, k) kmeans(data, k, nstart = 50, iter.max = 100), K.max = 6, B = 200, d.power = 2, verbose = FALSE)
keep("gap_log_w", 1:6, 1, gap$Tab[, "logW"])
keep("gap", 1:6, 1, gap$Tab[, "gap"])
for (k in 1:4) keep("bic", k, 1, -mclustBIC(x, G = k, modelNames = "VVV", verbose = FALSE)[1])  # mclust: larger is better
keep("version_R", 0, 1:3, as.numeric(unlist(getRversion())))
for (package in c("cluster", "mclust")) {
  parts <- as.numeric(unlist(packageVersion(package)))
  keep(paste0("version_", package), 0, seq_along(parts), parts)
}
write.csv(transform(out, value = format(value, digits = 15, trim = TRUE)), "segments_r.csv", row.names = FALSE, quote = FALSE)
