#include "client/teacher_request.h"

#include <string_view>
#include <utility>

#include "client/exit_code.h"
#include "client/field_path.h"
#include "core/base/durable_file.h"
#include "core/base/plain_text.h"

namespace distill::client {
namespace {

constexpr std::string_view kByName = "by-name";

Status TeacherFlagError(const std::string& message) { return {Code::kInvalidArgument, message}; }

// A flag of every teacher, and the field that it sets.
struct TeacherField {
  const char* flag;
  const char* field;
  const std::vector<std::string>& values;
};

// "" for a teacher that the flag says nothing of.
Result<std::string> ValueFor(const char* flag, const std::vector<std::string>& values,
                             size_t teacher, size_t num_teachers) {
  if (values.empty()) return std::string();
  if (values.size() != 1 && values.size() != num_teachers) {
    return TeacherFlagError(std::string(flag) + ": was given " + std::to_string(values.size()) +
                            " times for " + std::to_string(num_teachers) +
                            " teachers; give it once, or once for each");
  }
  const std::string& value = values.size() == 1 ? values[0] : values[teacher];
  return value == "-" ? std::string() : value;
}

Result<std::vector<std::string>> ReadLines(const char* flag, const std::string& path) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return AsLocalFault(text.status().WithContext(flag));
  std::vector<std::string> lines = LinesOf(*text);
  if (lines.empty()) return TeacherFlagError(std::string(flag) + ": has no lines: " + path);
  return lines;
}

Status SetClasses(const std::string& path, v1::Teacher& teacher) {
  if (path.empty()) return {};
  DISTILL_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           ReadLines("--teacher-classes", path));
  for (const std::string& line : lines) teacher.add_class_names(line);
  return {};
}

// The first comma ends the data set's class: names of folders seldom have one, people's names do.
Status SetClassMap(const std::string& value, v1::Teacher& teacher) {
  if (value.empty()) return {};
  if (value == kByName) {
    teacher.set_match_class_names(true);
    return {};
  }
  DISTILL_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           ReadLines("--teacher-class-map", value));
  for (const std::string& line : lines) {
    const size_t comma = line.find(',');
    if (comma == std::string::npos) {
      return TeacherFlagError(
          "--teacher-class-map: " + value + ": a line 'class of the data set,class " +
          "of the teacher' is needed (nothing after the comma where the teacher " +
          "does not know it), not '" + line + "'");
    }
    v1::ClassPair& pair = *teacher.add_class_map();
    pair.set_dataset_class(line.substr(0, comma));
    pair.set_teacher_class(line.substr(comma + 1));
  }
  return {};
}

void SetSource(const std::string& text, v1::Teacher& teacher) {
  if (IsFileName(text)) {
    teacher.set_file(text);
  } else {
    teacher.set_job(text);
  }
}

}  // namespace

bool TeacherFlags::has_details() const {
  for (const auto* values :
       {&models, &checkpoints, &means, &stds, &image_sizes, &weights, &classes, &class_maps}) {
    if (!values->empty()) return true;
  }
  return false;
}

bool IsFileName(const std::string& text) {
  if (text.find('/') != std::string::npos) return true;
  for (const std::string_view ending : {".pth", ".pt", ".safetensors", ".torchscript", ".ts"}) {
    if (text.ends_with(ending)) return true;
  }
  return false;
}

Status AddTeachers(const TeacherFlags& flags,
                   google::protobuf::RepeatedPtrField<v1::Teacher>& teachers) {
  const size_t num_teachers = flags.teachers.size();
  const TeacherField fields[] = {{"--teacher-model", "model", flags.models},
                                 {"--teacher-checkpoint", "checkpoint", flags.checkpoints},
                                 {"--teacher-mean", "mean", flags.means},
                                 {"--teacher-std", "std", flags.stds},
                                 {"--teacher-image-size", "image_size", flags.image_sizes},
                                 {"--teacher-weight", "weight", flags.weights}};
  for (size_t i = 0; i < num_teachers; ++i) {
    v1::Teacher& teacher = *teachers.Add();
    SetSource(flags.teachers[i], teacher);
    for (const auto& [flag, field, values] : fields) {
      DISTILL_ASSIGN_OR_RETURN(const std::string value, ValueFor(flag, values, i, num_teachers));
      if (value.empty()) continue;
      DISTILL_RETURN_IF_ERROR(SetField(teacher, field, value).WithContext(flag));
    }
    if (teacher.has_file() && teacher.model().empty()) {
      return TeacherFlagError(
          "--teacher: a file needs --teacher-model: its architecture, or torchscript");
    }
    DISTILL_ASSIGN_OR_RETURN(const std::string classes,
                             ValueFor("--teacher-classes", flags.classes, i, num_teachers));
    DISTILL_RETURN_IF_ERROR(SetClasses(classes, teacher));
    DISTILL_ASSIGN_OR_RETURN(const std::string class_map,
                             ValueFor("--teacher-class-map", flags.class_maps, i, num_teachers));
    DISTILL_RETURN_IF_ERROR(SetClassMap(class_map, teacher));
  }
  return {};
}

}  // namespace distill::client
