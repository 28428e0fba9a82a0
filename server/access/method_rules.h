#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace distill::server {

/// What a method asks of its caller, who is known in any case.
enum class Rule {
  kAnyUser,        // nothing more
  kAct,            // nothing more, and the call goes into the audit trail: it makes something
  kSeeJob,         // the job is the caller's, or jobs are not private, or the caller is an admin
  kChangeJob,      // the job is the caller's, or the caller is an admin; audited
  kChangeDataset,  // the same for a data set; audited
};

struct MethodRule {
  std::string_view method;  // "CancelJob"; unique over all services
  Rule rule;
};

/// The rule of every method of distill.v1: the one place that says who may call what.
const std::vector<MethodRule>& MethodRules();

/// Returns the rule of a method; nothing where the table lacks it: then nobody may call it.
std::optional<Rule> RuleOf(std::string_view method);

/// Whether calls under this rule are actions, which the audit trail keeps whatever comes of them.
inline bool IsAction(Rule rule) { return rule != Rule::kAnyUser && rule != Rule::kSeeJob; }

}  // namespace distill::server
