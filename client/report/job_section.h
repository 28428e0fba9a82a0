#pragma once

#include <string>

#include "client/report/report_data.h"

namespace distill::client {

/// Returns one job as HTML: what it was, where it came from (data, teacher, weights, seed,
/// versions, the spec as resolved), and its evaluations. All text is escaped. `report` is for the
/// server's facts.
std::string JobHtml(const JobReport& job, const Report& report);

}  // namespace distill::client
