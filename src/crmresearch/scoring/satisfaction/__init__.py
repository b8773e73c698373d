"""From a questionnaire to satisfaction and loyalty: reliability, regression, path models."""
