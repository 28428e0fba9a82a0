#include "client/server_access.h"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "core/base/durable_file.h"
#include "core/base/plain_text.h"

namespace distill::client {
namespace {

namespace fs = std::filesystem;

constexpr char kDefaultServer[] = "127.0.0.1:50551";
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr uint64_t kMaxFileBytes = 4U << 20U;

std::string Trimmed(std::string text) {
  constexpr std::string_view kBlank = " \t\r\n";
  text.erase(text.find_last_not_of(kBlank) + 1);
  text.erase(0, text.find_first_not_of(kBlank));
  return text;
}

// Returns the first of the texts that says something.
std::string FirstOf(const std::string& flag, const std::string& variable) {
  return flag.empty() ? variable : flag;
}

Result<std::string> ReadNamedFile(const std::string& what, const std::string& file) {
  Result<std::string> content = ReadFile(file, kMaxFileBytes);
  if (!content.ok()) return content.status().WithContext(what);
  if (Trimmed(*content).empty()) {
    return Status(Code::kFailedPrecondition, what + ": the file is empty: " + file);
  }
  return content;
}

// gRPC takes a port modulo 65536.
Status CheckPort(const std::string& server) {
  const size_t colon = server.rfind(':');
  const bool has_port = colon != std::string::npos && server.find(']', colon) == std::string::npos;
  if (!has_port || server.compare(0, 5, "unix:") == 0) return {};
  constexpr int kLastPort = 65535;
  int port = 0;
  const char* const end = server.data() + server.size();
  const auto [rest, error] = std::from_chars(server.data() + colon + 1, end, port);
  if (error == std::errc() && rest == end && port >= 1 && port <= kLastPort) return {};
  return {Code::kFailedPrecondition,
          "the server is HOST:PORT with a port of 1 to 65535, not: " + server};
}

Status CheckAuthority(const std::string& file, const std::string& pem) {
  if (pem.empty() || pem.find("-----BEGIN CERTIFICATE-----") != std::string::npos ||
      pem.find("-----BEGIN TRUSTED CERTIFICATE-----") != std::string::npos) {
    return {};
  }
  return {Code::kFailedPrecondition, "--ca: the file holds no certificate in PEM: " + file};
}

// Reads the file `name` into `content`, where there is a name.
Status Read(const std::string& what, const std::string& name, std::string& content) {
  if (name.empty()) return {};
  DISTILL_ASSIGN_OR_RETURN(content, ReadNamedFile(what, name));
  return {};
}

std::string Field(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : "";
}

// Returns what was stored; nothing at all where nobody logged in.
Result<ServerAccess> ReadLogin(const Environment& environment) {
  const std::string file = LoginFile(environment);
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return ServerAccess();
  struct stat facts {};
  if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Status(
        Code::kFailedPrecondition,
        "others may open the file with your token; ask for a new one, and: chmod 600 " + file);
  }
  DISTILL_ASSIGN_OR_RETURN(const std::string text, ReadNamedFile("login", file));
  try {
    // The parser may not come back from what is no text.
    if (FirstLineThatIsNoText(text)) throw YAML::Exception(YAML::Mark::null_mark(), "no text");
    const YAML::Node node = YAML::Load(text);
    if (!node.IsMap()) throw YAML::Exception(YAML::Mark::null_mark(), "no map");
    return ServerAccess{Field(node, "server"), Field(node, "token"), Field(node, "ca"),
                        Field(node, "client_certificate"), Field(node, "client_key")};
  } catch (const YAML::Exception&) {
    // Its message may quote the file, and so the token.
    return Status(Code::kFailedPrecondition,
                  "the stored login cannot be read; log in again: " + file);
  }
}

struct Files {
  std::string ca;
  std::string client_certificate;
  std::string client_key;
};

Status ReadFiles(const Files& files, ServerAccess& access) {
  const bool is_system = files.ca == "system";
  const std::string ca = is_system ? kSystemAuthorities : files.ca;
  DISTILL_RETURN_IF_ERROR(Read("--ca", ca, access.ca));
  if (!ca.empty()) DISTILL_RETURN_IF_ERROR(CheckAuthority(ca, access.ca));
  if (files.client_certificate.empty() != files.client_key.empty()) {
    return {Code::kFailedPrecondition, "--client-certificate and --client-key go together"};
  }
  DISTILL_RETURN_IF_ERROR(
      Read("--client-certificate", files.client_certificate, access.client_certificate));
  return Read("--client-key", files.client_key, access.client_key);
}

std::string HostOf(const std::string& server) { return server.substr(0, server.rfind(':')); }

bool IsThisMachine(const std::string& server) {
  const std::string host = HostOf(server);
  return server.compare(0, 5, "unix:") == 0 || host == "localhost" || host == "[::1]" ||
         (host.compare(0, 4, "127.") == 0 &&
          host.find_first_not_of("0123456789.") == std::string::npos);
}

}  // namespace

std::string LoginFile(const Environment& environment) {
  std::string folder = environment.variable("XDG_CONFIG_HOME");
  if (folder.empty()) {
    const std::string home = environment.variable("HOME");
    if (home.empty()) return "";
    folder = home + "/.config";
  }
  return folder + "/distillctl/login.yaml";
}

Result<ServerAccess> ResolveServer(const AccessFlags& flags, const Environment& environment) {
  const auto variable = [&](const char* name) { return environment.variable(name); };
  ServerAccess access;
  access.server = FirstOf(flags.server, variable("DISTILL_SERVER"));
  DISTILL_ASSIGN_OR_RETURN(const ServerAccess stored, ReadLogin(environment));
  if (access.server.empty()) access.server = stored.server;
  if (access.server.empty()) access.server = kDefaultServer;
  DISTILL_RETURN_IF_ERROR(CheckPort(access.server));
  if (access.server == stored.server) access = stored;
  access.token.clear();
  DISTILL_RETURN_IF_ERROR(
      ReadFiles({FirstOf(flags.ca, variable("DISTILL_CA")),
                 FirstOf(flags.client_certificate, variable("DISTILL_CLIENT_CERTIFICATE")),
                 FirstOf(flags.client_key, variable("DISTILL_CLIENT_KEY"))},
                access));
  if (!access.client_key.empty() && !access.uses_tls()) {
    return Status(Code::kFailedPrecondition, "a client certificate needs TLS: name --ca too");
  }
  return access;
}

Result<ServerAccess> ResolveAccess(const AccessFlags& flags, const Environment& environment) {
  DISTILL_ASSIGN_OR_RETURN(ServerAccess access, ResolveServer(flags, environment));
  const std::string file = FirstOf(flags.token_file, environment.variable("DISTILL_TOKEN_FILE"));
  if (!file.empty()) {
    DISTILL_ASSIGN_OR_RETURN(const std::string content, ReadNamedFile("--token-file", file));
    access.token = Trimmed(content);
  } else {
    access.token = Trimmed(environment.variable("DISTILL_TOKEN"));
  }
  if (access.token.empty()) {
    DISTILL_ASSIGN_OR_RETURN(const ServerAccess stored, ReadLogin(environment));
    if (access.server == stored.server) access.token = stored.token;
  }
  DISTILL_RETURN_IF_ERROR(CheckTokenIsSafe(access));
  return access;
}

Status CheckTokenIsSafe(const ServerAccess& access) {
  if (access.token.empty() || access.uses_tls() || IsThisMachine(access.server)) return {};
  return {Code::kFailedPrecondition,
          "a token is not sent in plain text to another machine; name the authority of the "
          "server's certificate (--ca FILE, --ca system): " +
              access.server};
}

Status StoreLogin(const ServerAccess& access, const Environment& environment) {
  const fs::path file = LoginFile(environment);
  if (file.empty()) {
    return {Code::kFailedPrecondition, "there is no home folder: HOME is not set"};
  }
  std::error_code error;
  fs::create_directories(file.parent_path().parent_path(), error);
  if (::mkdir(file.parent_path().c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return ErrnoStatus("make " + file.parent_path().string(), errno);
  }
  YAML::Emitter text;
  text << YAML::BeginMap << YAML::Key << "server" << YAML::Value << access.server << YAML::Key
       << "token" << YAML::Value << access.token;
  const auto add = [&text](const char* key, const std::string& pem) {
    if (!pem.empty()) text << YAML::Key << key << YAML::Value << YAML::Literal << pem;
  };
  add("ca", access.ca);
  add("client_certificate", access.client_certificate);
  add("client_key", access.client_key);
  text << YAML::EndMap;
  return ReplaceFile(file, std::string(text.c_str()) + "\n");
}

}  // namespace distill::client
