#pragma once

#include <string>

#include "client/environment.h"
#include "core/base/status.h"

namespace distill::client {

/// How to reach a server, and what to show it. Files are read: all but `server` is content.
struct ServerAccess {
  std::string server;              // host:port, or unix:PATH
  std::string token;               // "" = none
  std::string ca;                  // PEM; "" = plain text
  std::string client_certificate;  // PEM, for servers that ask for one; "" = none
  std::string client_key;          // PEM

  bool uses_tls() const { return !ca.empty(); }
};

/// What the command line says about it; "" = not said.
struct AccessFlags {
  std::string server;
  std::string ca;  // a file, or "system" for the authorities of this machine
  std::string token_file;
  std::string client_certificate;  // files
  std::string client_key;
};

/// Returns how to reach the server, without a token: flags win over the variables DISTILL_SERVER,
/// DISTILL_CA, DISTILL_CLIENT_CERTIFICATE and DISTILL_CLIENT_KEY, these over what `distillctl
/// login` stored. What was stored for one server is never used for another. Blocks on disk.
/// kNotFound, kPermissionDenied, …: a file cannot be read; the message names it.
/// kFailedPrecondition: no such port, no certificate in the authority's file, or things that do not
/// go together.
Result<ServerAccess> ResolveServer(const AccessFlags& flags, const Environment& environment);

/// As ResolveServer, with the token: of --token-file, DISTILL_TOKEN_FILE, DISTILL_TOKEN, or stored.
/// kFailedPrecondition: the token would travel in plain text over a network.
Result<ServerAccess> ResolveAccess(const AccessFlags& flags, const Environment& environment);

/// Returns ok unless a token would travel in plain text to another machine.
Status CheckTokenIsSafe(const ServerAccess& access);

/// Returns where `distillctl login` stores what it knows, or "" where there is no home folder.
std::string LoginFile(const Environment& environment);

/// Stores `access` for ResolveServer and ResolveAccess, in a file and a folder that only their
/// owner may open, from the first byte on. Blocks on disk.
Status StoreLogin(const ServerAccess& access, const Environment& environment);

}  // namespace distill::client
