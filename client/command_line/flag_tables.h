#pragma once

#include <vector>

namespace distill::client {

/// A flag whose value goes into one field of the request as it is.
struct FieldFlag {
  const char* names;  // "--lr", or "--epochs,--epoch" with other spellings
  const char* path;   // of the field, from Job on
  const char* type;   // "" = a switch that sets true
  const char* help;
};

/// Flags under one heading of the help.
struct FlagGroup {
  const char* title;
  std::vector<FieldFlag> flags;
};

/// Flags of every kind of job.
FlagGroup JobFlagGroup();

/// Flags of training jobs, and of evaluation jobs.
std::vector<FlagGroup> TrainFlagGroups();
std::vector<FlagGroup> EvalFlagGroups();

}  // namespace distill::client
