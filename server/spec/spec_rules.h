#pragma once

#include <cstdint>
#include <string>

#include "distill/v1/job.pb.h"
#include "server/spec/class_map.h"
#include "server/spec/field_violation.h"

namespace distill::server {

/// The rules of a request that need nothing but the request: ranges, forms, and options that do not
/// go together. `given` is what the user sent, `filled` the same with defaults. Pure.
void CheckTrainRules(const v1::TrainJob& given, const v1::TrainJob& filled,
                     ViolationList& violations);

/// Adds a violation where a job cannot train on `num_devices` devices: a batch that is too small
/// for each to have a share of it (two images at least, without which batch norms have no
/// statistics), or a method that works on one only.
void CheckDevicesOf(const v1::TrainJob& filled, int num_devices, ViolationList& violations);

/// Checks one teacher by itself; violations go to fields below `path`.
void CheckTeacher(const std::string& path, const v1::Teacher& teacher, ViolationList& violations);

/// Adds a violation at `field` where there are more teachers than one job may have.
void CheckTeacherCount(const std::string& field, int num_teachers, ViolationList& violations);

/// The most threads of a kind that a job may have: as many as the machine has cores, 16 on a small
/// machine.
int MaxThreads();

/// As CheckTrainRules, for train.distillation.
void CheckDistillationRules(const v1::Distillation& given, const v1::Distillation& filled,
                            ViolationList& violations);

/// Checks what the terms need of the classes that each teacher knows, once class maps are resolved.
/// `classes`: of the data set; nothing is known of it where they are empty.
void CheckKnownClasses(const v1::Distillation& resolved, const ClassNames& classes,
                       ViolationList& violations);

/// Adds a violation at `field` where teachers whose outputs are averaged know different classes.
void CheckKnowTheSame(const std::string& field,
                      const google::protobuf::RepeatedPtrField<v1::Teacher>& teachers,
                      ViolationList& violations);

/// As CheckTrainRules, for evaluations.
void CheckEvalRules(const v1::EvalJob& given, const v1::EvalJob& filled, ViolationList& violations);

/// Checks what all jobs have: name, labels, priority, resources, retry, group, after.
void CheckJobRules(const v1::Job& given, ViolationList& violations);

/// Checks image size, normalisation, mean and std; `path` is the field's name.
void CheckInputRules(const std::string& path, const v1::Input& given, const v1::Input& filled,
                     ViolationList& violations);

/// Checks three values for mean and three for std (or none of either, where `may_be_empty`).
struct MeanAndStd {
  const google::protobuf::RepeatedField<double>& mean;
  const google::protobuf::RepeatedField<double>& std;
};
void CheckMeanAndStd(const std::string& path, const MeanAndStd& values, bool may_be_empty,
                     ViolationList& violations);

/// Adds a violation where an enum field has a number that names nothing, or was set to UNSPECIFIED.
/// `is_valid` is protobuf's X_IsValid.
void CheckEnum(const std::string& path, int value, bool (*is_valid)(int),
               ViolationList& violations);

}  // namespace distill::server
