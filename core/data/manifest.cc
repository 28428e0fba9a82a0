#include "core/data/manifest.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/durable_file.h"
#include "core/base/plain_text.h"
#include "core/base/sha256.h"
#include "core/data/csv.h"

namespace distill::core {
namespace {

constexpr std::string_view kHeader = "path,class,split,sha256";
constexpr size_t kSha256Digits = 64;

bool IsSha256(std::string_view text) {
  return text.size() == kSha256Digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// One line of a manifest file, its class still a name. Without a path: a class without an image.
struct ManifestLine {
  ManifestEntry entry;
  std::string class_name;
};

std::optional<ManifestLine> ParseLine(const std::vector<std::string>& fields) {
  if (fields.size() != 4 || fields[1].empty()) return std::nullopt;
  if (fields[0].empty() && fields[2].empty() && fields[3].empty()) {
    return ManifestLine{{}, fields[1]};
  }
  if (!IsSha256(fields[3])) return std::nullopt;
  const std::optional<Split> split = ParseSplit(fields[2]);
  const std::filesystem::path path = fields[0];
  if (!split || !path.is_absolute()) return std::nullopt;
  return ManifestLine{{path, 0, *split, fields[3]}, fields[1]};
}

Status DamagedAt(const std::filesystem::path& path, int64_t line) {
  return {Code::kDataLoss, "damaged manifest " + path.string() + ", line " + std::to_string(line)};
}

Manifest IndexClasses(std::vector<ManifestLine> lines) {
  Manifest manifest;
  for (const ManifestLine& line : lines) manifest.class_names.push_back(line.class_name);
  auto& names = manifest.class_names;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (ManifestLine& line : lines) {
    if (line.entry.path.empty()) continue;
    const auto name = std::lower_bound(names.begin(), names.end(), line.class_name);
    line.entry.class_index = static_cast<int32_t>(name - names.begin());
    manifest.entries.push_back(std::move(line.entry));
  }
  return manifest;
}

// A file can only hold what reading it back would give again.
Status CheckWritable(const Manifest& manifest) {
  for (const ManifestEntry& entry : manifest.entries) {
    const bool is_class = entry.class_index >= 0 &&
                          static_cast<size_t>(entry.class_index) < manifest.class_names.size();
    if (!is_class || !entry.path.is_absolute() || !IsSha256(entry.sha256)) {
      return {Code::kInvalidArgument, "manifest entry is not complete: " + entry.path.string()};
    }
  }
  for (size_t i = 0; i < manifest.class_names.size(); ++i) {
    const std::string& name = manifest.class_names[i];
    if (name.empty() || (i > 0 && manifest.class_names[i - 1] >= name)) {
      return {Code::kInvalidArgument, "class names are not sorted and unique at: " + name};
    }
  }
  return Status::Ok();
}

// Fields of any content cannot run into each other: each is preceded by its length.
void HashField(Sha256& hash, std::string_view field) {
  hash.Update(std::to_string(field.size()) + ":");
  hash.Update(field);
}

}  // namespace

std::string_view SplitName(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      break;
  }
  return "test";
}

std::optional<Split> ParseSplit(std::string_view name) {
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    if (name == SplitName(split)) return split;
  }
  return std::nullopt;
}

std::vector<ManifestEntry> Manifest::EntriesOf(Split split) const {
  std::vector<ManifestEntry> selected;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(selected),
               [split](const ManifestEntry& entry) { return entry.split == split; });
  return selected;
}

std::vector<int64_t> Manifest::ImagesPerClass(Split split) const {
  std::vector<int64_t> counts(class_names.size());
  for (const ManifestEntry& entry : entries) {
    if (entry.split == split) ++counts[static_cast<size_t>(entry.class_index)];
  }
  return counts;
}

Result<Manifest> ReadManifest(const std::filesystem::path& path) {
  DISTILL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  CsvReader reader(text);
  std::vector<std::string> fields;
  const bool has_header = reader.Next(fields);
  if (!has_header || !StartsWith(text, kHeader) || text[kHeader.size()] != '\n') {
    return DamagedAt(path, 1);
  }
  std::vector<ManifestLine> lines;
  while (reader.Next(fields)) {
    std::optional<ManifestLine> line = ParseLine(fields);
    if (!line) return DamagedAt(path, reader.line());
    lines.push_back(std::move(*line));
  }
  // Every line ends in a line feed: without the last one the file was cut short.
  if (reader.is_damaged() || text.back() != '\n') return DamagedAt(path, reader.line());
  return IndexClasses(std::move(lines));
}

Status WriteManifest(const std::filesystem::path& path, const Manifest& manifest) {
  DISTILL_RETURN_IF_ERROR(CheckWritable(manifest));
  std::string text(kHeader);
  text += '\n';
  std::vector<bool> has_image(manifest.class_names.size());
  for (const ManifestEntry& entry : manifest.entries) {
    has_image[static_cast<size_t>(entry.class_index)] = true;
    const std::string& class_name = manifest.class_names[static_cast<size_t>(entry.class_index)];
    text += CsvField(entry.path.string()) + "," + CsvField(class_name) + ",";
    text += std::string(SplitName(entry.split)) + "," + entry.sha256 + "\n";
  }
  for (size_t i = 0; i < has_image.size(); ++i) {
    if (!has_image[i]) text += "," + CsvField(manifest.class_names[i]) + ",,\n";
  }
  return ReplaceFile(path, text);
}

std::string ManifestSha256(const Manifest& manifest) {
  Sha256 hash;
  HashField(hash, std::to_string(manifest.class_names.size()));
  for (const std::string& name : manifest.class_names) HashField(hash, name);
  for (const ManifestEntry& entry : manifest.entries) {
    HashField(hash, std::to_string(entry.class_index));
    HashField(hash, SplitName(entry.split));
    HashField(hash, entry.sha256);
  }
  return hash.HexDigest();
}

}  // namespace distill::core
