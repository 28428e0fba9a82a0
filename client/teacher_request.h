#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/train.pb.h"

namespace distill::client {

/// The flags about teachers. Each list but the first has no value, one that is meant for every
/// teacher, or one for each teacher in their order; a "-" leaves that teacher out.
struct TeacherFlags {
  std::vector<std::string> teachers;  // jobs, or files (IsFileName)
  std::vector<std::string> models;
  std::vector<std::string> checkpoints;
  std::vector<std::string> means;  // "0.5,0.5,0.5"
  std::vector<std::string> stds;
  std::vector<std::string> image_sizes;
  std::vector<std::string> weights;
  std::vector<std::string> classes;     // files on this machine: a class a line
  std::vector<std::string> class_maps;  // "by-name", or such files: "class of the data,teacher's"

  /// Returns whether any flag but `teachers` was given.
  bool has_details() const;
};

/// Returns true for what names a file rather than a job: it has a "/" or ends in .pth, .pt,
/// .safetensors, .torchscript or .ts.
bool IsFileName(const std::string& text);

/// Adds the teachers that the flags name to `teachers`. Reads files. kInvalidArgument: a value does
/// not fit, a list of another length; another code: an unreadable file. The message names the flag.
Status AddTeachers(const TeacherFlags& flags,
                   google::protobuf::RepeatedPtrField<v1::Teacher>& teachers);

}  // namespace distill::client
