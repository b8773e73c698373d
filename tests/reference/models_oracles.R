# Makes models_oracles.csv: ordered regression (MASS::polr), proportional hazards (survival::coxph), serial and
# moderated mediation (lavaan), Games-Howell is checked against scipy instead.
# Run from the project's root: Rscript tests/reference/models_oracles.R
suppressMessages({library(MASS); library(survival); library(lavaan)})
mobi <- read.csv("data/raw/ecsi_mobile/mobi.csv")
out <- data.frame(model=character(), term=character(), estimate=numeric(), std_error=numeric())
add <- function(model, term, estimate, std_error = NA) {
  out <<- rbind(out, data.frame(model=model, term=term, estimate=estimate, std_error=std_error))
}
for (link in c("logistic", "probit")) {
  fit <- polr(factor(CUSL1) ~ CUSA1 + IMAG1, data=mobi, Hess=TRUE, method=link, control=list(reltol=1e-14))
  v <- sqrt(diag(vcov(fit)))
  add(paste0("polr_", link), names(v), c(coef(fit), fit$zeta), v)
  add(paste0("polr_", link), "log_likelihood", as.numeric(logLik(fit)))
}
lung <- na.omit(survival::lung[, c("time", "status", "age", "ph.ecog")])
write.csv(lung, "tests/reference/models_lung.csv", row.names=FALSE)
cox <- coxph(Surv(time, status == 2) ~ scale(age) + scale(ph.ecog), data=lung, ties="efron")
add("coxph", c("age", "ph.ecog"), coef(cox), sqrt(diag(vcov(cox))))
add("coxph", "log_likelihood", cox$loglik[2])
add("coxph", "concordance", concordance(cox)$concordance)
mobi$w <- mobi$CUSCO - mean(mobi$CUSCO); mobi$x <- mobi$PERQ1 - mean(mobi$PERQ1); mobi$xw <- mobi$x * mobi$w
model <- "
  PERV1 ~ a1*x + a2*w + a3*xw
  CUSL3 ~ b1*PERV1 + c1*x + w + c3*xw
  index := a3*b1
"
sem <- parameterEstimates(sem(model, mobi, meanstructure=TRUE, fixed.x=TRUE))
for (label in c("a1", "a2", "a3", "b1", "c1", "c3", "index")) {
  row <- sem[sem$label == label, ]; add("lavaan_moderated", label, row$est, row$se)
}
serial <- "
  PERV1 ~ a*PERQ1
  CUSA1 ~ b*PERQ1 + d*PERV1
  CUSL3 ~ c*PERQ1 + e*PERV1 + f*CUSA1
  one := a*e
  two := b*f
  long := a*d*f
"
sem <- parameterEstimates(sem(serial, mobi, meanstructure=TRUE))
for (label in c("one", "two", "long", "c")) {
  row <- sem[sem$label == label, ]; add("lavaan_serial", label, row$est, row$se)
}
write("# R 4.2.2; MASS 7.3-58.2, survival 3.5-3, lavaan 0.6-14; made by models_oracles.R", "tests/reference/models_oracles.csv")
suppressWarnings(write.table(format(out, digits=15), "tests/reference/models_oracles.csv", sep=",", row.names=FALSE,
  quote=FALSE, append=TRUE))
