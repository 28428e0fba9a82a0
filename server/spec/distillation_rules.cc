#include <set>
#include <string>

#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

constexpr double kMaxWeight = 1e6;

std::string Indexed(const std::string& path, int index) {
  return path + "[" + std::to_string(index) + "]";
}

void CheckTeacher(const std::string& path, const v1::Teacher& teacher, ViolationList& violations) {
  if (teacher.source_case() == v1::Teacher::SOURCE_NOT_SET) {
    violations.Add(path + ".job", "", "name the job that trains the teacher, or a file");
    return;
  }
  if (teacher.has_checkpoint()) {
    CheckEnum(path + ".checkpoint", teacher.checkpoint(), v1::CheckpointKind_IsValid, violations);
  }
  if (teacher.source_case() == v1::Teacher::kFile) {
    if (teacher.model().empty()) {
      violations.Add(path + ".model", "", "say which architecture file is");
    }
    CheckMeanAndStd(path, {teacher.mean(), teacher.std()}, true, violations);
    return;
  }
  const std::string remedy = "belongs to a teacher from a file; the job's own is used";
  if (!teacher.model().empty()) violations.Add(path + ".model", teacher.model(), remedy);
  if (!teacher.mean().empty()) violations.Add(path + ".mean", "", remedy);
  if (!teacher.std().empty()) violations.Add(path + ".std", "", remedy);
}

// Refuses options of `given` that its method does not have.
void CheckOptionsBelong(const std::string& path, const v1::DistillationTerm& given,
                        ViolationList& violations) {
  const v1::DistillationMethod method = given.method();
  const auto refuse_unless = [&](bool belongs, bool is_given, const std::string& name,
                                 const std::string& owner) {
    if (belongs || !is_given) return;
    violations.Add(path + "." + name, v1::DistillationMethod_Name(method),
                   "belongs to " + owner + " only");
  };
  const bool is_soft_target = method == v1::DISTILLATION_METHOD_SOFT_TARGET;
  const bool is_mgd = method == v1::DISTILLATION_METHOD_MGD;
  const bool has_form =
      method == v1::DISTILLATION_METHOD_SP || method == v1::DISTILLATION_METHOD_AT;
  refuse_unless(is_soft_target, given.has_temperature(), "temperature", "SOFT_TARGET");
  refuse_unless(is_mgd, given.has_mgd_mask_ratio(), "mgd_mask_ratio", "MGD");
  refuse_unless(is_mgd, given.has_mgd_alpha(), "mgd_alpha", "MGD");
  refuse_unless(has_form, given.has_form(), "form", "SP and AT");
  refuse_unless(has_form || is_mgd, !given.blocks().empty(), "blocks", "MGD, SP and AT");
}

void CheckBlocks(const std::string& path, const v1::DistillationTerm& given,
                 ViolationList& violations) {
  constexpr int kNumBlocks = 4;
  std::set<int> seen;
  for (int i = 0; i < given.blocks_size(); ++i) {
    const int block = given.blocks(i);
    violations.CheckCount(Indexed(path + ".blocks", i), block, 1, kNumBlocks);
    if (!seen.insert(block).second) {
      violations.Add(Indexed(path + ".blocks", i), std::to_string(block), "must be given once");
    }
  }
}

void CheckTerm(const std::string& path, const v1::DistillationTerm& given,
               const v1::DistillationTerm& filled, ViolationList& violations) {
  CheckEnum(path + ".method", given.method(), v1::DistillationMethod_IsValid, violations);
  if (given.method() == 0 || !v1::DistillationMethod_IsValid(given.method())) return;
  CheckOptionsBelong(path, given, violations);
  CheckBlocks(path, given, violations);
  if (given.has_weight()) violations.CheckRange(path + ".weight", given.weight(), 0, kMaxWeight);
  if (filled.has_temperature()) {
    violations.CheckRange(path + ".temperature", filled.temperature(), 0.1, 100);
  }
  if (filled.has_form()) {
    CheckEnum(path + ".form", filled.form(), v1::LossForm_IsValid, violations);
  }
  if (filled.has_mgd_mask_ratio() &&
      !(filled.mgd_mask_ratio() >= 0 && filled.mgd_mask_ratio() < 1)) {
    violations.Add(path + ".mgd_mask_ratio", NumberText(filled.mgd_mask_ratio()),
                   "must be at least 0 and less than 1");
  }
  if (filled.has_mgd_alpha()) {
    violations.CheckPositive(path + ".mgd_alpha", filled.mgd_alpha(), kMaxWeight);
  }
}

}  // namespace

void CheckDistillationRules(const v1::Distillation& given, const v1::Distillation& filled,
                            ViolationList& violations) {
  const std::string path = "train.distillation";
  constexpr int kMaxTerms = 16;
  if (given.teachers().empty()) {
    violations.Add(path + ".teachers", "",
                   "name the teacher (a job or a weights file), or leave distillation out");
  } else if (given.teachers_size() > 1) {
    violations.Add(path + ".teachers", std::to_string(given.teachers_size()) + " teachers",
                   "must be exactly one");
  }
  if (given.terms().empty()) {
    violations.Add(path + ".terms", "", "give at least one method: SOFT_TARGET, MGD, SP or AT");
  }
  if (given.terms_size() > kMaxTerms) {
    violations.CheckCount(path + ".terms", given.terms_size(), 1, kMaxTerms);
    return;
  }
  violations.CheckRange(path + ".kd_ratio", filled.kd_ratio(), 0, kMaxWeight);
  for (int i = 0; i < given.teachers_size(); ++i) {
    CheckTeacher(Indexed(path + ".teachers", i), given.teachers(i), violations);
  }
  for (int i = 0; i < given.terms_size(); ++i) {
    CheckTerm(Indexed(path + ".terms", i), given.terms(i), filled.terms(i), violations);
  }
}

}  // namespace distill::server
