# Reference values of factor analyses: R with lavaan, psych and GPArotation, on the two published surveys.
# Run from this folder: Rscript measurement_r.R ; it writes measurement_*.csv beside itself.
suppressMessages({library(lavaan); library(psych)})
set.seed(1)
raw <- file.path("..", "..", "data", "raw")
mobi <- read.csv(file.path(raw, "ecsi_mobile", "mobi.csv"))
rep <- read.csv(file.path(raw, "corporate_reputation", "corp_rep_data.csv"), sep = ifelse(
  grepl(";", readLines(file.path(raw, "corporate_reputation", "corp_rep_data.csv"), 1)), ";", ","))
rep[rep == -99] <- NA
versions <- data.frame(name = c("R", "lavaan", "psych", "GPArotation"),
  version = c(as.character(getRversion()), sapply(c("lavaan", "psych", "GPArotation"), function(p) as.character(packageVersion(p)))))
write.csv(versions, "measurement_versions.csv", row.names = FALSE)

models <- list(
  mobi = list(data = mobi, syntax = "Image =~ IMAG1+IMAG2+IMAG3+IMAG4+IMAG5\nExpectation =~ CUEX1+CUEX2+CUEX3
    Quality =~ PERQ1+PERQ2+PERQ3+PERQ4+PERQ5+PERQ6+PERQ7\nValue =~ PERV1+PERV2\nSatisfaction =~ CUSA1+CUSA2+CUSA3
    Loyalty =~ CUSL1+CUSL2+CUSL3"),
  corp_rep = list(data = rep, syntax = "QUAL =~ qual_1+qual_2+qual_3+qual_4+qual_5+qual_6+qual_7+qual_8
    PERF =~ perf_1+perf_2+perf_3+perf_4+perf_5\nCSOR =~ csor_1+csor_2+csor_3+csor_4+csor_5
    ATTR =~ attr_1+attr_2+attr_3\nCOMP =~ comp_1+comp_2+comp_3\nLIKE =~ like_1+like_2+like_3
    CUSL =~ cusl_1+cusl_2+cusl_3"))
fits <- estimates <- NULL
for (name in names(models)) {
  plain <- cfa(models[[name]]$syntax, data = models[[name]]$data, std.lv = TRUE, missing = "listwise")
  robust <- cfa(models[[name]]$syntax, data = models[[name]]$data, std.lv = TRUE, missing = "listwise", estimator = "MLM")
  a <- fitMeasures(plain, c("ntotal", "chisq", "df", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr"))
  b <- fitMeasures(robust, c("chisq.scaling.factor", "chisq.scaled", "cfi.robust", "tli.robust", "rmsea.robust"))
  fits <- rbind(fits, data.frame(model = name, index = c(names(a), names(b)), value = c(a, b)))
  e <- parameterEstimates(plain); r <- parameterEstimates(robust); s <- standardizedSolution(plain)
  keep <- e$op == "=~" | (e$op == "~~")
  r <- r[r$op != "~1", ]
  estimates <- rbind(estimates, data.frame(model = name, lhs = e$lhs, op = e$op, rhs = e$rhs, estimate = e$est,
    std_error = e$se, robust_error = r$se, standardised = s$est.std)[keep, ])
}
write.csv(fits, "measurement_cfa_fit.csv", row.names = FALSE)
write.csv(estimates, "measurement_cfa_estimates.csv", row.names = FALSE)

# Exploratory: loadings by method and rotation, absolute and sorted within factors by sums of squares in the test.
out <- NULL
R <- cor(mobi)
for (m in c("ml", "pa", "pca")) for (rotation in c("varimax", "promax", "oblimin")) {
  L <- switch(m,
    ml = factanal(covmat = R, factors = 4, n.obs = 250, rotation = "none", control = list(nstart = 4))$loadings,
    pa = fa(R, 4, n.obs = 250, fm = "pa", rotate = "none", max.iter = 5000, min.err = 1e-10)$loadings,
    pca = principal(R, 4, rotate = "none")$loadings)
  L <- unclass(L)
  P <- switch(rotation,
    varimax = unclass(stats::varimax(L, normalize = TRUE, eps = 1e-12)$loadings),
    promax = unclass(stats::promax(unclass(stats::varimax(L, normalize = TRUE, eps = 1e-12)$loadings), m = 4)$loadings),
    oblimin = unclass(GPArotation::oblimin(L, eps = 1e-9, maxit = 5000)$loadings))
  out <- rbind(out, data.frame(method = m, rotation = rotation, item = rownames(L), P[, 1:4]) |> setNames(
    c("method", "rotation", "item", "f1", "f2", "f3", "f4")))
}
write.csv(out, "measurement_efa.csv", row.names = FALSE)
k <- KMO(R); b <- cortest.bartlett(R, 250)
o <- suppressWarnings(omega(mobi[, c("PERQ1","PERQ2","PERQ3","PERQ4","PERQ5","PERQ6","PERQ7")], nfactors = 1, plot = FALSE))
a <- factanal(covmat = R, factors = 4, n.obs = 250)
h <- lav_matrix_lower2full(c(1))
numbers <- data.frame(name = c("kmo", paste0("msa_", names(k$MSAi)), "bartlett", "bartlett_df", "ml_statistic", "ml_dof"),
  value = c(k$MSA, k$MSAi, b$chisq, b$df, a$STATISTIC, a$dof))
write.csv(numbers, "measurement_factorability.csv", row.names = FALSE)

# Polychoric correlations of seven-point answers, complete cases; no correction of empty cells.
items <- na.omit(rep[, c("comp_1", "comp_2", "comp_3", "like_1", "like_2", "like_3", "cusl_1", "cusl_2", "cusl_3")])
two <- lavCor(items, ordered = names(items), output = "cor", se = "none")
write.csv(data.frame(item = rownames(two), unclass(two)), "measurement_polychoric.csv", row.names = FALSE)
