#pragma once

#include <string>

#include "client/report/report_data.h"

namespace distill::client {

/// Returns a report as one HTML page that needs nothing from outside and runs no script (its
/// content security policy says so to the browser): the table of results, the curves of all jobs in
/// common charts, and a section for each job. In light or dark as the reader's system is set.
std::string ReportPage(const Report& report);

}  // namespace distill::client
