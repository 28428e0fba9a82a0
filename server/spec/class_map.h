#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

#include "distill/v1/train.pb.h"
#include "server/spec/field_violation.h"

namespace distill::server {

using ClassNames = google::protobuf::RepeatedPtrField<std::string>;

/// Finds for each class of a data set the output of `teacher`, whose classes teacher.class_names
/// lists, and writes teacher.class_outputs; leaves it empty where both have the same classes in the
/// same order. Violations go to fields below `path`: classes that differ without a map, a map that
/// leaves a class of the data set out, names one twice, or names classes that are not there.
/// Thread-safe.
void ResolveClassMap(const std::string& path, const ClassNames& dataset_classes,
                     v1::Teacher& teacher, ViolationList& violations);

}  // namespace distill::server
