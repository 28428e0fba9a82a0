#pragma once

#include <cstdint>
#include <string>

namespace distill::server {

using JobId = int64_t;

inline std::string JobText(JobId id) { return "job " + std::to_string(id); }  // "job 7"

}  // namespace distill::server
