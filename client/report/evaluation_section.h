#pragma once

#include <string>

#include "client/report/report_data.h"

namespace distill::client {

/// Returns one evaluation as HTML: its overall figures, those of each class (worst first), the
/// confusion matrix with the most confused pairs, and the wrong pictures. All text is escaped.
std::string EvaluationHtml(const JobReport::Evaluation& evaluation);

}  // namespace distill::client
