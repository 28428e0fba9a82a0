#include "core/data/dataset_layout.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/plain_text.h"
#include "core/base/rooted_file.h"
#include "core/data/cifar_layout.h"
#include "core/data/csv.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kImageExtensions = {
    ".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};

bool HasImageExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kImageExtensions.begin(), kImageExtensions.end(), extension) !=
         kImageExtensions.end();
}

bool IsHidden(const fs::path& path) { return path.filename().string().substr(0, 1) == "."; }

constexpr uint64_t kMaxListBytes = uint64_t{1} << 30U;       // of a CSV file
constexpr uint64_t kMaxClassListBytes = uint64_t{1} << 20U;  // of NAME.classes.txt

// Refuses what does not lie in one of `roots`, if there are any. `path` has no links in it.
Status CheckInside(const fs::path& path, const Roots& roots) {
  if (roots.empty() || IsInside(path, roots)) return Status::Ok();
  return {Code::kPermissionDenied,
          path.string() + ": lies outside the folders that data may come from"};
}

// Returns what a folder holds, hidden names left out, sorted.
Result<std::vector<fs::directory_entry>> ListFolder(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  fs::directory_iterator iterator(folder, error);
  while (!error && iterator != fs::directory_iterator()) {
    if (!IsHidden(iterator->path())) entries.push_back(*iterator);
    iterator.increment(error);
  }
  if (error) return ReadErrnoStatus("read folder " + folder.string(), error.value());
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool IsFolder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

bool IsLink(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_symlink(ignored);
}

// Walks the class folders below one root.
class FolderWalk {
 public:
  FolderWalk(fs::path root, const Roots& roots) : root_(std::move(root)), roots_(roots) {}

  Result<DatasetLayout> Run();

 private:
  Status WalkSplit(const fs::path& folder, Split split);
  Status WalkClass(const fs::path& folder, const std::string& class_name, Split split);
  void AddFile(const fs::directory_entry& entry, const std::string& class_name, Split split);
  Result<bool> HasSplitFolders(const std::vector<fs::directory_entry>& entries) const;

  const fs::path root_;  // canonical
  const Roots& roots_;
  DatasetLayout layout_;
};

// A folder named train is a split when it holds folders and no images; else it is a class.
Result<bool> FolderWalk::HasSplitFolders(const std::vector<fs::directory_entry>& entries) const {
  const auto train = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.path().filename() == SplitName(Split::kTrain) && IsFolder(entry);
  });
  if (train == entries.end()) return false;
  DISTILL_ASSIGN_OR_RETURN(const auto children, ListFolder(train->path()));
  const bool has_image = std::any_of(children.begin(), children.end(), [](const auto& child) {
    return !IsFolder(child) && HasImageExtension(child.path());
  });
  return !has_image && std::any_of(children.begin(), children.end(), IsFolder);
}

Result<DatasetLayout> FolderWalk::Run() {
  DISTILL_ASSIGN_OR_RETURN(const auto entries, ListFolder(root_));
  DISTILL_ASSIGN_OR_RETURN(const bool has_splits, HasSplitFolders(entries));
  layout_.has_split[static_cast<size_t>(Split::kTrain)] = true;
  if (!has_splits) {
    DISTILL_RETURN_IF_ERROR(WalkSplit(root_, Split::kTrain));
    return std::move(layout_);
  }
  for (const fs::directory_entry& entry : entries) {
    if (!IsFolder(entry)) {
      ++layout_.num_ignored_files;
      continue;
    }
    const std::optional<Split> split = ParseSplit(entry.path().filename().string());
    if (!split) {
      return Status(Code::kInvalidArgument,
                    "folder beside train that is neither val nor test: " + entry.path().string());
    }
    layout_.has_split[static_cast<size_t>(*split)] = true;
    DISTILL_RETURN_IF_ERROR(WalkSplit(entry.path(), *split));
  }
  return std::move(layout_);
}

Status FolderWalk::WalkSplit(const fs::path& folder, Split split) {
  std::error_code error;  // a split may be a link
  const fs::path real = fs::canonical(folder, error);
  if (error) return ReadErrnoStatus("open folder " + folder.string(), error.value());
  DISTILL_RETURN_IF_ERROR(CheckInside(real, roots_));
  DISTILL_ASSIGN_OR_RETURN(const auto entries, ListFolder(folder));
  std::string empty_classes;
  for (const fs::directory_entry& entry : entries) {
    if (!IsFolder(entry)) {
      ++layout_.num_ignored_files;
      continue;
    }
    if (IsLink(entry)) {
      return {Code::kInvalidArgument,
              "class folder is a link, which is not followed: " + entry.path().string()};
    }
    const size_t num_before = layout_.images.size() + layout_.bad_images.size();
    DISTILL_RETURN_IF_ERROR(WalkClass(entry.path(), entry.path().filename().string(), split));
    if (layout_.images.size() + layout_.bad_images.size() == num_before) {
      empty_classes += (empty_classes.empty() ? "" : ", ") + entry.path().string();
    }
  }
  if (empty_classes.empty()) return Status::Ok();
  return {Code::kInvalidArgument, "class folders without an image: " + empty_classes};
}

Status FolderWalk::WalkClass(const fs::path& folder, const std::string& class_name, Split split) {
  DISTILL_ASSIGN_OR_RETURN(const auto entries, ListFolder(folder));
  for (const fs::directory_entry& entry : entries) {
    if (IsFolder(entry) && !IsLink(entry)) {
      DISTILL_RETURN_IF_ERROR(WalkClass(entry.path(), class_name, split));
    } else {
      AddFile(entry, class_name, split);
    }
  }
  return Status::Ok();
}

void FolderWalk::AddFile(const fs::directory_entry& entry, const std::string& class_name,
                         Split split) {
  std::error_code error;
  const bool is_file = entry.is_regular_file(error);
  if (!HasImageExtension(entry.path()) || (!is_file && !IsLink(entry))) {
    ++layout_.num_ignored_files;
    return;
  }
  if (IsLink(entry)) {
    const fs::path target = fs::canonical(entry.path(), error);
    if (error || !is_file) {
      layout_.bad_images.push_back({entry.path(), "link does not lead to a file"});
      return;
    }
    if (!IsInside(target, {root_})) {
      layout_.bad_images.push_back({entry.path(), "link leaves the data set's folder"});
      return;
    }
  }
  layout_.images.push_back({entry.path(), class_name, split});
}

// Reads the images that a CSV file lists.
class ListedImages {
 public:
  ListedImages(fs::path path, const Roots& allowed_roots)
      : path_(std::move(path)), allowed_roots_(allowed_roots) {}

  Result<DatasetLayout> Run();

 private:
  Status ReadClasses();
  Status AddRecord(const std::vector<std::string>& fields, int64_t line);
  bool IsAllowed(const fs::path& path) const;
  Status Damaged(int64_t line, const std::string& what) const;

  const fs::path path_;
  const Roots& allowed_roots_;
  std::set<fs::path> listed_;
  DatasetLayout layout_;
};

Status ListedImages::Damaged(int64_t line, const std::string& what) const {
  return {Code::kInvalidArgument, path_.string() + ", line " + std::to_string(line) + ": " + what};
}

// The classes of NAME.csv may be listed in NAME.classes.txt, one a line.
Status ListedImages::ReadClasses() {
  fs::path list = path_;
  list.replace_extension(".classes.txt");
  std::error_code error;
  if (!fs::exists(fs::symlink_status(list, error))) return Status::Ok();
  DISTILL_ASSIGN_OR_RETURN(const std::string text,
                           ReadFileInside(list, allowed_roots_, kMaxClassListBytes));
  std::vector<std::string>& names = layout_.class_names;
  names = LinesOf(WithoutByteOrderMark(text));
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    return {Code::kInvalidArgument, list.string() + ": class is listed twice: " + *twice};
  }
  if (names.empty()) return {Code::kInvalidArgument, list.string() + ": names no class"};
  return Status::Ok();
}

Result<DatasetLayout> ListedImages::Run() {
  DISTILL_ASSIGN_OR_RETURN(const std::string text,
                           ReadFileInside(path_, allowed_roots_, kMaxListBytes));
  DISTILL_RETURN_IF_ERROR(ReadClasses());
  CsvReader reader(WithoutByteOrderMark(text));
  std::vector<std::string> fields;
  const std::vector<std::string> header = {"path", "class", "split"};
  if (!reader.Next(fields) || fields.size() < 3 ||
      !std::equal(header.begin(), header.end(), fields.begin())) {
    return Damaged(1, "the header is not path,class,split");
  }
  while (reader.Next(fields)) {
    const bool is_blank = fields.size() == 1 && fields[0].empty();
    if (!is_blank) DISTILL_RETURN_IF_ERROR(AddRecord(fields, reader.line()));
  }
  if (reader.is_damaged()) return Damaged(reader.line(), "a quote is not closed");
  return std::move(layout_);
}

Status ListedImages::AddRecord(const std::vector<std::string>& fields, int64_t line) {
  if (fields.size() < 3) return Damaged(line, "path, class and split are needed");
  const std::optional<Split> split = ParseSplit(fields[2]);
  if (!split) return Damaged(line, "split is not train, val or test: " + fields[2]);
  if (fields[0].empty() || fields[1].empty()) return Damaged(line, "path or class is empty");
  const std::vector<std::string>& names = layout_.class_names;
  if (!names.empty() && !std::binary_search(names.begin(), names.end(), fields[1])) {
    return Damaged(line, "class is not among those of the list of classes: " + fields[1]);
  }
  const fs::path image = (path_.parent_path() / fields[0]).lexically_normal();
  if (!listed_.insert(image).second) return Damaged(line, "listed twice: " + image.string());
  layout_.has_split[static_cast<size_t>(*split)] = true;
  if (IsAllowed(image)) {
    layout_.images.push_back({image, fields[1], *split});
  } else {
    layout_.bad_images.push_back({image, "outside the folders that data may come from"});
  }
  return Status::Ok();
}

// A path that does not exist is let through: reading it gives the better reason.
bool ListedImages::IsAllowed(const fs::path& path) const {
  if (allowed_roots_.empty()) return true;
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  return !error && IsInside(target, allowed_roots_);
}

// Names go into messages, where other bytes would have to be replaced, and two names become one.
Status CheckNamesAreUtf8(const DatasetLayout& layout, const fs::path& path) {
  const std::string remedy = "; rename the folder, or write the list, in UTF-8";
  for (const FoundImage& image : layout.images) {
    if (IsUtf8(image.class_name)) continue;
    return {Code::kInvalidArgument,
            "the name of a class is not UTF-8: " + Utf8OrEscaped(image.class_name) +
                " (the class of " + Utf8OrEscaped(image.path.string()) + ")" + remedy};
  }
  for (const std::string& name : layout.class_names) {
    if (IsUtf8(name)) continue;
    return {Code::kInvalidArgument, "the name of a class is not UTF-8: " + Utf8OrEscaped(name) +
                                        " (in the list of classes of " +
                                        Utf8OrEscaped(path.string()) + ")" + remedy};
  }
  return Status::Ok();
}

}  // namespace

Result<DatasetLayout> FindImages(const ScanOptions& options) {
  std::error_code error;
  const fs::path path = fs::canonical(options.path, error);
  if (error) return ReadErrnoStatus("open data set " + options.path.string(), error.value());
  const Roots& roots = options.allowed_roots;
  DISTILL_RETURN_IF_ERROR(CheckInside(path, roots));
  Result<DatasetLayout> layout = !fs::is_directory(path, error) ? ListedImages(path, roots).Run()
                                 : LooksLikeCifar(path, roots)  ? FindCifarPictures(path, roots)
                                                                : FolderWalk(path, roots).Run();
  if (!layout.ok()) return layout;
  DISTILL_RETURN_IF_ERROR(CheckNamesAreUtf8(*layout, path));
  std::sort(layout->images.begin(), layout->images.end(),
            [](const FoundImage& left, const FoundImage& right) { return left.path < right.path; });
  return layout;
}

}  // namespace distill::core
