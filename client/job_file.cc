#include "client/job_file.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "client/field_path.h"
#include "client/yaml_bounds.h"
#include "core/base/plain_text.h"

namespace distill::client {
namespace {

// Whether a value is the empty one, which the JSON that we print has too.
bool SaysNothing(const YAML::Node& node) {
  if (!node.IsScalar()) return node.IsNull() || node.size() == 0;
  const std::string& text = node.Scalar();
  return text.empty() || text == "0" || EndsWith(text, "_UNSPECIFIED");
}

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

// Fields of Job from this number on, and these two, are the server's.
constexpr int kFirstOutputField = 20;

bool IsOutputOnly(const FieldDescriptor& field) {
  if (field.containing_type() != v1::Job::descriptor()) return false;
  return field.number() >= kFirstOutputField || field.name() == "id" || field.name() == "owner";
}

// As many as a server takes at a time. Variants could make a small file large.
constexpr size_t kMaxJobs = 1000;

// Reads nodes into messages and collects what is wrong with them.
class NodeReader {
 public:
  explicit NodeReader(std::string file_name) : file_name_(std::move(file_name)) {}

  const std::string& problems() const { return problems_; }

  void Complain(const YAML::Node& node, const std::string& path, const std::string& what) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += file_name_ + ":" + std::to_string(node.Mark().line + 1) + ": " +
                 (path.empty() ? "" : path + ": ") + what;
  }

  // Reads the fields of a mapping, but for `skipped`, into `message`, on top of what it holds.
  void ReadMessage(const YAML::Node& node, const std::string& path, Message& message,
                   const std::set<std::string>& skipped = {}) {
    if (!node.IsMap()) {
      Complain(node, path, "fields are needed here: " + FieldNames(message));
      return;
    }
    std::set<std::string> seen;
    std::map<const OneofDescriptor*, std::string> chosen;
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      if (skipped.count(key) != 0) continue;
      std::string key_path = path;
      if (!path.empty()) key_path += '.';
      key_path += key;
      if (!seen.insert(key).second) Complain(entry.first, key_path, "given twice");
      const auto* field = message.GetDescriptor()->FindFieldByName(key);
      if (field == nullptr) {
        Complain(entry.first, key_path, "no such field; there are " + FieldNames(message));
      } else if (IsOutputOnly(*field)) {
        if (!SaysNothing(entry.second)) {
          Complain(entry.first, key_path, "only the server sets it");
        }
      } else if (!IsOnlyChoice(*field, chosen)) {
        Complain(entry.first, key_path,
                 "excludes '" + chosen[field->real_containing_oneof()] + "'; give one of the two");
      } else {
        ReadField(entry.second, key_path, *field, message);
      }
    }
  }

 private:
  static bool IsOnlyChoice(const FieldDescriptor& field,
                           std::map<const OneofDescriptor*, std::string>& chosen) {
    const OneofDescriptor* oneof = field.real_containing_oneof();
    return oneof == nullptr || chosen.emplace(oneof, field.name()).second;
  }

  void ReadField(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    if (node.IsNull()) {
      message.GetReflection()->ClearField(&message, &field);
    } else if (field.is_map()) {
      ReadMap(node, path, field, message);
    } else if (field.is_repeated()) {
      ReadList(node, path, field, message);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ReadMessage(node, path, *message.GetReflection()->MutableMessage(&message, &field));
    } else {
      ReadPlain(node, path, field, message);
    }
  }

  void ReadMap(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
               Message& message) {
    if (!node.IsMap()) {
      Complain(node, path, "keys with values are needed");
      return;
    }
    for (const auto& entry : node) {
      if (!entry.second.IsScalar()) {
        Complain(entry.second, path + "." + entry.first.Scalar(), "a text is needed");
        continue;
      }
      SetMapEntry(message, field, entry.first.Scalar(), entry.second.Scalar());
    }
  }

  void ReadList(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                Message& message) {
    if (!node.IsSequence()) {
      Complain(node, path, "a list is needed");
      return;
    }
    message.GetReflection()->ClearField(&message, &field);
    for (size_t index = 0; index < node.size(); ++index) {
      const std::string entry_path = path + "[" + std::to_string(index) + "]";
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReadMessage(node[index], entry_path,
                    *message.GetReflection()->AddMessage(&message, &field));
      } else {
        ReadPlain(node[index], entry_path, field, message);
      }
    }
  }

  void ReadPlain(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    if (!node.IsScalar()) {
      Complain(node, path, "a single value is needed");
      return;
    }
    const Status status = SetPlainField(message, field, node.Scalar());
    if (!status.ok()) Complain(node, path, status.message());
  }

  const std::string file_name_;
  std::string problems_;
};

// What jobs start from, by kind.
struct Defaults {
  v1::Job train;
  v1::Job eval;
  std::map<std::string, YAML::Node> variants;  // of training jobs
};

constexpr const char* kVariants = "variants";

void ReadVariants(const YAML::Node& node, NodeReader& reader, Defaults& defaults) {
  if (!node.IsMap()) {
    reader.Complain(node, kVariants, "names with fields of jobs are needed here");
    return;
  }
  for (const auto& entry : node) {
    const std::string name = entry.first.Scalar();
    const std::string path = std::string(kVariants) + "." + name;
    v1::Job unused;
    reader.ReadMessage(entry.second, path, unused);
    if (unused.has_eval() || !unused.name().empty()) {
      reader.Complain(entry.second, path, "is of training jobs, and has no name of its own");
    }
    defaults.variants.erase(name);  // a node that is assigned to changes its document
    defaults.variants.emplace(name, entry.second);
  }
}

void ReadDefaults(const YAML::Node& node, NodeReader& reader, Defaults& defaults) {
  if (!node.IsMap()) {
    reader.Complain(node, "defaults", "fields of jobs are needed here");
    return;
  }
  reader.ReadMessage(node, "defaults", defaults.train, {"eval"});
  NodeReader unheard("");  // what is wrong with the shared fields was said just now
  unheard.ReadMessage(node, "defaults", defaults.eval, {"train", "eval"});
  if (node["eval"]) {
    reader.ReadMessage(node["eval"], "defaults.eval", *defaults.eval.mutable_eval());
  }
}

// Adds a job for each variant that `node` names.
void ReadVariantsOfJob(const YAML::Node& node, const std::string& path, const Defaults& defaults,
                       NodeReader& reader, std::vector<v1::Job>& jobs) {
  const YAML::Node list = node[kVariants];
  const std::string list_path = path.empty() ? kVariants : path + "." + kVariants;
  v1::Job own;
  reader.ReadMessage(node, path, own, {kVariants});
  if (own.name().empty() || !own.has_train()) {
    reader.Complain(node, path, "variants are of a training job with a name");
  }
  if (!list.IsSequence() || list.size() == 0) {
    reader.Complain(list, list_path, "a list of names is needed");
    return;
  }
  NodeReader unheard("");  // what is wrong with the fields was said just now
  for (const YAML::Node& entry : list) {
    const std::string name = entry.IsScalar() ? entry.Scalar() : "";
    const auto variant = defaults.variants.find(name);
    if (variant == defaults.variants.end()) {
      reader.Complain(entry, list_path, "no such variant: '" + name + "'");
      continue;
    }
    if (jobs.size() > kMaxJobs) return;  // one too many is told of later
    v1::Job job = defaults.train;
    unheard.ReadMessage(variant->second, "", job);
    unheard.ReadMessage(node, "", job, {kVariants});
    job.set_name(own.name() + "-" + name);
    jobs.push_back(std::move(job));
  }
}

void ReadJob(const YAML::Node& node, const std::string& path, const Defaults& defaults,
             NodeReader& reader, std::vector<v1::Job>& jobs) {
  if (node.IsMap() && node[kVariants]) {
    ReadVariantsOfJob(node, path, defaults, reader, jobs);
    return;
  }
  const bool is_eval = node.IsMap() && node["eval"];
  v1::Job job = is_eval ? defaults.eval : defaults.train;
  reader.ReadMessage(node, path, job);
  if (node.IsMap() && !node["train"] && !is_eval) {
    reader.Complain(node, path, "'train' or 'eval' is needed");
  }
  jobs.push_back(std::move(job));
}

bool IsTrue(const YAML::Node& node, NodeReader& reader) {
  if (!node) return false;
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  if (text != "true" && text != "false") reader.Complain(node, "evaluate", "true or false");
  return text == "true";
}

bool IsGroup(const YAML::Node& document) {
  return document.IsMap() &&
         (document["jobs"] || document["defaults"] || (document[kVariants] && !document["train"]));
}

void CheckKeysOfGroup(const YAML::Node& document, NodeReader& reader) {
  for (const auto& entry : document) {
    const std::string key = entry.first.Scalar();
    if (key != "jobs" && key != "defaults" && key != kVariants && key != "evaluate") {
      reader.Complain(entry.first, key,
                      "no such key; beside 'jobs' there are 'defaults', 'variants' and 'evaluate'");
    }
  }
}

// Puts behind each training job of a document's list an evaluation of it.
void AddEvaluations(const YAML::Node& list, const v1::Job& default_evaluation, NodeReader& reader,
                    std::vector<v1::Job>& jobs) {
  std::vector<v1::Job> all;
  for (v1::Job& job : jobs) {
    const std::string name = job.name();
    const bool is_evaluated = job.has_train();
    all.push_back(std::move(job));
    if (!is_evaluated) continue;
    if (name.empty()) reader.Complain(list, "jobs", "a job needs a name to be evaluated by");
    v1::Job& evaluation = all.emplace_back(default_evaluation);
    evaluation.set_name(name + "-eval");
    evaluation.mutable_eval()->set_job(name);
  }
  jobs = std::move(all);
}

void ReadDocument(const YAML::Node& document, NodeReader& reader, Defaults& defaults,
                  std::vector<v1::Job>& jobs) {
  if (!IsGroup(document)) {
    ReadJob(document, "", defaults, reader, jobs);
    return;
  }
  CheckKeysOfGroup(document, reader);
  if (document["defaults"]) ReadDefaults(document["defaults"], reader, defaults);
  if (document[kVariants]) ReadVariants(document[kVariants], reader, defaults);
  const YAML::Node list = document["jobs"];
  if (!list) return;
  if (!list.IsSequence()) {
    reader.Complain(list, "jobs", "a list is needed");
    return;
  }
  std::vector<v1::Job> read;
  for (size_t index = 0; index < list.size(); ++index) {
    ReadJob(list[index], "jobs[" + std::to_string(index) + "]", defaults, reader, read);
  }
  if (IsTrue(document["evaluate"], reader)) AddEvaluations(list, defaults.eval, reader, read);
  jobs.insert(jobs.end(), std::make_move_iterator(read.begin()),
              std::make_move_iterator(read.end()));
  if (jobs.size() > kMaxJobs) {
    reader.Complain(list, "jobs",
                    "a file may hold " + std::to_string(kMaxJobs) +
                        " jobs, with their variants and evaluations; make it two");
  }
}

}  // namespace

Result<std::vector<v1::Job>> ParseJobFile(const std::string& text, const std::string& file_name) {
  // The parser may not come back from other bytes.
  if (const auto line = FirstLineThatIsNoText(text)) {
    return Status(Code::kInvalidArgument,
                  file_name + ":" + std::to_string(*line) + ": not text in UTF-8");
  }
  DISTILL_RETURN_IF_ERROR(CheckYamlBounds(text, file_name));
  NodeReader reader(file_name);
  Defaults defaults;
  std::vector<v1::Job> jobs;
  try {
    for (const YAML::Node& document : YAML::LoadAll(text)) {
      if (!document.IsNull()) ReadDocument(document, reader, defaults, jobs);
    }
  } catch (const YAML::Exception& error) {
    return Status(Code::kInvalidArgument,
                  file_name + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
  if (!reader.problems().empty()) return Status(Code::kInvalidArgument, reader.problems());
  if (jobs.empty()) return Status(Code::kInvalidArgument, file_name + ": it holds no job");
  return jobs;
}

}  // namespace distill::client
