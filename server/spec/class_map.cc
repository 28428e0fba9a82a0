#include "server/spec/class_map.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

using Pairs = std::map<std::string, std::string>;  // class of the data set -> the teacher's

// "Ivory_Gull, Auklet and 12 more".
std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 5;
  std::string text;
  for (size_t i = 0; i < std::min(kMost, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

class ClassMapResolution {
 public:
  ClassMapResolution(std::string path, const ClassNames& dataset_classes, v1::Teacher& teacher,
                     ViolationList& violations)
      : path_(std::move(path)),
        dataset_classes_(dataset_classes),
        teacher_(teacher),
        violations_(violations) {
    for (int i = 0; i < teacher.class_names_size(); ++i) {
      if (!outputs_.emplace(teacher.class_names(i), i).second) {
        Refuse("class_names", teacher.class_names(i), "must name each class once");
      }
    }
  }

  void Run() {
    if (teacher_.match_class_names() && !teacher_.class_map().empty()) {
      return Refuse("class_map", "", "give a class map, or match_class_names, not both");
    }
    if (!teacher_.match_class_names() && teacher_.class_map().empty()) return ExpectSameClasses();
    if (teacher_.class_names().empty()) {
      return Refuse("class_names", "", "list the file's classes in the order of its outputs");
    }
    Map(teacher_.match_class_names() ? PairsOfNames() : PairsOfMap());
  }

 private:
  void Refuse(const std::string& field, const std::string& value, const std::string& remedy) {
    violations_.Add(path_ + "." + field, value, remedy);
  }

  void ExpectSameClasses() {
    if (teacher_.class_names().empty()) return;  // a file's: the worker compares their number
    for (int i = 0; i < std::max(dataset_classes_.size(), teacher_.class_names_size()); ++i) {
      const std::string of_data = i < dataset_classes_.size() ? dataset_classes_[i] : "none";
      const std::string of_teacher =
          i < teacher_.class_names_size() ? teacher_.class_names(i) : "none";
      if (of_data == of_teacher) continue;
      return Refuse(teacher_.has_job() ? "job" : "class_names",
                    teacher_.has_job() ? teacher_.job() : of_teacher,
                    "knows other classes (" + std::to_string(teacher_.class_names_size()) +
                        ") than the data set (" + std::to_string(dataset_classes_.size()) +
                        "): number " + std::to_string(i) + " is " + of_teacher + " and " + of_data +
                        "; name a teacher of the same classes, or give a class map "
                        "(--teacher-class-map by-name, or a file of pairs)");
    }
  }

  Pairs PairsOfNames() const {
    Pairs pairs;
    for (const std::string& name : dataset_classes_) pairs[name] = name;
    return pairs;
  }

  Pairs PairsOfMap() {
    Pairs pairs;
    for (int i = 0; i < teacher_.class_map_size(); ++i) {
      const v1::ClassPair& pair = teacher_.class_map(i);
      if (pairs.emplace(pair.dataset_class(), pair.teacher_class()).second) continue;
      Refuse("class_map[" + std::to_string(i) + "].dataset_class", pair.dataset_class(),
             "must be mapped once");
    }
    return pairs;
  }

  void Map(Pairs pairs) {
    std::vector<std::string> unmapped;
    std::vector<std::string> unknown;
    std::map<int, std::string> taken;
    for (const std::string& name : dataset_classes_) {
      const auto pair = pairs.find(name);
      if (pair == pairs.end()) {
        unmapped.push_back(name);
        continue;
      }
      const int output = FindOutput(pair->second, unknown);
      const auto [first, is_new] = taken.emplace(output, name);
      if (output >= 0 && !is_new) {
        Refuse("class_map", pair->second,
               "is given to two classes: " + first->second + ", " + name);
      }
      teacher_.add_class_outputs(output);
      pairs.erase(pair);
    }
    Report(unmapped, unknown, pairs);
  }

  int FindOutput(const std::string& name, std::vector<std::string>& unknown) const {
    if (name.empty()) return -1;
    const auto found = outputs_.find(name);
    if (found != outputs_.end()) return found->second;
    unknown.push_back(name);
    return -1;
  }

  void Report(const std::vector<std::string>& unmapped, const std::vector<std::string>& unknown,
              const Pairs& left_over) {
    if (!unmapped.empty()) {
      Refuse("class_map", Listed(unmapped),
             "must map every class of the data set; one that the teacher does not know has no name "
             "after it");
    }
    if (!unknown.empty()) {
      Refuse(teacher_.match_class_names() ? "match_class_names" : "class_map", Listed(unknown),
             "no such class of the teacher");
    }
    std::vector<std::string> foreign;
    for (const auto& [name, teacher_name] : left_over) foreign.push_back(name);
    if (!foreign.empty()) Refuse("class_map", Listed(foreign), "no such class of the data set");
    const auto& outputs = teacher_.class_outputs();
    if (std::all_of(outputs.begin(), outputs.end(), [](int output) { return output < 0; })) {
      Refuse("class_map", "", "leaves the teacher no class of the data set");
    }
  }

  const std::string path_;
  const ClassNames& dataset_classes_;
  v1::Teacher& teacher_;
  ViolationList& violations_;
  std::map<std::string, int> outputs_;
};

}  // namespace

void ResolveClassMap(const std::string& path, const ClassNames& dataset_classes,
                     v1::Teacher& teacher, ViolationList& violations) {
  teacher.clear_class_outputs();
  ClassMapResolution(path, dataset_classes, teacher, violations).Run();
}

}  // namespace distill::server
