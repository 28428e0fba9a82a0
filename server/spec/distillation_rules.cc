#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

constexpr double kMaxWeight = 1e6;

std::string Indexed(const std::string& path, int index) {
  return path + "[" + std::to_string(index) + "]";
}

void CheckTeacherFile(const std::string& path, const v1::Teacher& teacher,
                      ViolationList& violations) {
  if (teacher.model().empty()) {
    violations.Add(path + ".model", "",
                   "say which architecture file is, or torchscript for a TorchScript file");
  }
  if (teacher.has_image_size()) {
    constexpr int kMinSide = 8;
    constexpr int kMaxSide = 2048;
    violations.CheckCount(path + ".image_size", teacher.image_size(), kMinSide, kMaxSide);
  }
  CheckMeanAndStd(path, {teacher.mean(), teacher.std()}, true, violations);
}

// What a teacher from a job has of that job.
void CheckTeacherJob(const std::string& path, const v1::Teacher& teacher,
                     ViolationList& violations) {
  const std::string remedy = "belongs to a teacher from a file; the job's own is used";
  if (!teacher.model().empty()) violations.Add(path + ".model", teacher.model(), remedy);
  if (!teacher.mean().empty()) violations.Add(path + ".mean", "", remedy);
  if (!teacher.std().empty()) violations.Add(path + ".std", "", remedy);
  if (!teacher.class_names().empty()) violations.Add(path + ".class_names", "", remedy);
  if (teacher.has_image_size()) {
    violations.Add(path + ".image_size", std::to_string(teacher.image_size()), remedy);
  }
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
  const auto is_one_of = [method](std::initializer_list<v1::DistillationMethod> methods) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  using enum v1::DistillationMethod;
  const bool is_mgd = method == DISTILLATION_METHOD_MGD;
  const bool is_dkd = method == DISTILLATION_METHOD_DKD;
  const bool is_dist = method == DISTILLATION_METHOD_DIST;
  const bool is_rkd = method == DISTILLATION_METHOD_RKD;
  const bool is_crd = method == DISTILLATION_METHOD_CRD;
  const bool has_logits = is_dkd || method == DISTILLATION_METHOD_SOFT_TARGET;
  refuse_unless(has_logits || is_dist, given.has_temperature(), "temperature",
                "SOFT_TARGET, DKD and DIST");
  refuse_unless(has_logits, given.has_standardize_logits(), "standardize_logits",
                "SOFT_TARGET and DKD");
  refuse_unless(is_mgd, given.has_mgd_mask_ratio(), "mgd_mask_ratio", "MGD");
  refuse_unless(is_mgd, given.has_mgd_alpha(), "mgd_alpha", "MGD");
  refuse_unless(is_dkd, given.has_dkd_alpha(), "dkd_alpha", "DKD");
  refuse_unless(is_dkd, given.has_dkd_beta(), "dkd_beta", "DKD");
  refuse_unless(is_dist, given.has_dist_beta(), "dist_beta", "DIST");
  refuse_unless(is_dist, given.has_dist_gamma(), "dist_gamma", "DIST");
  refuse_unless(is_rkd, given.has_rkd_distance(), "rkd_distance", "RKD");
  refuse_unless(is_rkd, given.has_rkd_angle(), "rkd_angle", "RKD");
  refuse_unless(is_crd, given.has_crd_negatives(), "crd_negatives", "CRD");
  refuse_unless(is_crd, given.has_crd_temperature(), "crd_temperature", "CRD");
  refuse_unless(is_crd, given.has_crd_momentum(), "crd_momentum", "CRD");
  refuse_unless(is_one_of({DISTILLATION_METHOD_SP, DISTILLATION_METHOD_AT, DISTILLATION_METHOD_DIST,
                           DISTILLATION_METHOD_FITNET}),
                given.has_form(), "form", "SP, AT, DIST and FITNET");
  refuse_unless(is_one_of({DISTILLATION_METHOD_MGD, DISTILLATION_METHOD_SP, DISTILLATION_METHOD_AT,
                           DISTILLATION_METHOD_FITNET}),
                !given.blocks().empty(), "blocks", "MGD, SP, AT and FITNET");
}

// Which classes of the data set a teacher knows, by its resolved class map; none: all of them.
std::vector<bool> KnownClasses(const v1::Teacher& teacher) {
  std::vector<bool> known;
  for (const int output : teacher.class_outputs()) known.push_back(output >= 0);
  return known;
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

// The weights of a method's parts.
void CheckPartWeights(const std::string& path, const v1::DistillationTerm& given,
                      ViolationList& violations) {
  const auto check = [&](bool is_given, const char* name, double weight) {
    if (is_given) violations.CheckRange(path + "." + name, weight, 0, kMaxWeight);
  };
  check(given.has_dkd_alpha(), "dkd_alpha", given.dkd_alpha());
  check(given.has_dkd_beta(), "dkd_beta", given.dkd_beta());
  check(given.has_dist_beta(), "dist_beta", given.dist_beta());
  check(given.has_dist_gamma(), "dist_gamma", given.dist_gamma());
  check(given.has_rkd_distance(), "rkd_distance", given.rkd_distance());
  check(given.has_rkd_angle(), "rkd_angle", given.rkd_angle());
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
  if (filled.has_crd_negatives()) {
    constexpr int kMaxNegatives = 1 << 20;
    violations.CheckCount(path + ".crd_negatives", filled.crd_negatives(), 1, kMaxNegatives);
    violations.CheckPositive(path + ".crd_temperature", filled.crd_temperature(), 100);
    violations.CheckRange(path + ".crd_momentum", filled.crd_momentum(), 0, 0.9999);
  }
  CheckPartWeights(path, given, violations);
}

}  // namespace

void CheckTeacherCount(const std::string& field, int num_teachers, ViolationList& violations) {
  constexpr int kMaxTeachers = 16;
  if (num_teachers <= kMaxTeachers) return;
  violations.Add(field, std::to_string(num_teachers) + " teachers",
                 "must be at most " + std::to_string(kMaxTeachers));
}

void CheckTeacher(const std::string& path, const v1::Teacher& teacher, ViolationList& violations) {
  if (teacher.source_case() == v1::Teacher::SOURCE_NOT_SET) {
    violations.Add(path + ".job", "", "name the job that trains the teacher, or a file");
    return;
  }
  if (teacher.has_checkpoint()) {
    CheckEnum(path + ".checkpoint", teacher.checkpoint(), v1::CheckpointKind_IsValid, violations);
  }
  if (teacher.has_weight()) {
    violations.CheckPositive(path + ".weight", teacher.weight(), kMaxWeight);
  }
  if (!teacher.class_outputs().empty()) {
    violations.Add(path + ".class_outputs", "",
                   "is filled in by the server; give class_map or match_class_names");
  }
  if (teacher.has_file()) {
    CheckTeacherFile(path, teacher, violations);
  } else {
    CheckTeacherJob(path, teacher, violations);
  }
}

void CheckKnowTheSame(const std::string& field,
                      const google::protobuf::RepeatedPtrField<v1::Teacher>& teachers,
                      ViolationList& violations) {
  for (int i = 1; i < teachers.size(); ++i) {
    const std::vector<bool> first = KnownClasses(teachers[0]);
    const std::vector<bool> other = KnownClasses(teachers[i]);
    const auto is_known = [](const std::vector<bool>& of, size_t index) {
      return of.empty() || (index < of.size() && of[index]);
    };
    for (size_t index = 0; index < std::max(first.size(), other.size()); ++index) {
      if (is_known(first, index) == is_known(other, index)) continue;
      violations.Add(field, "teachers 1 and " + std::to_string(i + 1),
                     "know different classes of the data set, and what is averaged must be of the "
                     "same: map the same classes, or take the ensemble MEAN_KL (of an evaluation: "
                     "one teacher)");
      return;
    }
  }
}

void CheckKnownClasses(const v1::Distillation& resolved, const ClassNames& classes,
                       ViolationList& violations) {
  constexpr int kFewestOfDkd = 3;
  const std::string path = "train.distillation";
  const bool averages = resolved.ensemble() == v1::ENSEMBLE_MEAN_PROB ||
                        resolved.ensemble() == v1::ENSEMBLE_MEAN_LOGIT;
  if (averages) CheckKnowTheSame(path + ".ensemble", resolved.teachers(), violations);
  int fewest = classes.size();
  for (const v1::Teacher& teacher : resolved.teachers()) {
    const std::vector<bool> known = KnownClasses(teacher);
    if (known.empty()) continue;
    fewest = std::min(fewest, static_cast<int>(std::count(known.begin(), known.end(), true)));
  }
  for (int i = 0; i < resolved.terms_size(); ++i) {
    const v1::DistillationTerm& term = resolved.terms(i);
    const std::string field = Indexed(path + ".terms", i);
    if (term.method() == v1::DISTILLATION_METHOD_DKD) {
      if (!classes.empty() && classes.size() < kFewestOfDkd) {
        violations.Add(field + ".method", "DKD",
                       "needs at least 3 classes (of two, its second part is always 0), the data "
                       "set has " +
                           std::to_string(classes.size()) + "; take SOFT_TARGET");
      } else if (fewest < classes.size()) {
        violations.Add(field + ".method", "DKD",
                       "needs teachers that know all classes of the data set, and a class map "
                       "leaves some out; take SOFT_TARGET");
      }
    }
    if (term.standardize_logits() && !classes.empty() && fewest < 2) {
      violations.Add(field + ".standardize_logits", "true",
                     "needs a teacher that knows at least two classes of the data set: the one "
                     "logit of one class has no deviation; leave it out, or map more classes");
    }
  }
}

void CheckDistillationRules(const v1::Distillation& given, const v1::Distillation& filled,
                            ViolationList& violations) {
  const std::string path = "train.distillation";
  constexpr int kMaxTerms = 16;
  if (given.teachers().empty()) {
    violations.Add(path + ".teachers", "",
                   "name the teacher (a job or a weights file), or leave distillation out");
  }
  CheckTeacherCount(path + ".teachers", given.teachers_size(), violations);
  CheckEnum(path + ".ensemble", filled.ensemble(), v1::Ensemble_IsValid, violations);
  if (given.terms().empty()) {
    violations.Add(
        path + ".terms", "",
        "give at least one method: SOFT_TARGET, MGD, SP, AT, DKD, DIST, FITNET, RKD, PKT or "
        "CRD");
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
    const std::string term = Indexed(path + ".terms", i);
    CheckTerm(term, given.terms(i), filled.terms(i), violations);
    if (given.terms(i).standardize_logits() && filled.ensemble() == v1::ENSEMBLE_MEAN_PROB) {
      violations.Add(term + ".standardize_logits", "true",
                     "cannot be with the ensemble MEAN_PROB, which has no logits; take MEAN_KL");
    }
  }
}

}  // namespace distill::server
