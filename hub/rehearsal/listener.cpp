// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/listener.h"

#include <sys/stat.h>

#include "hub/text/encoding.h"
#include "platform/base/bytes.h"
#include "platform/files/file.h"

namespace latchkey::hub::rehearsal {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretMax = 4096;
constexpr std::uint64_t kBodyLimit = 64ull * 1024 * 1024;  // a seed of a large fleet
constexpr std::string_view kScheme = "Bearer ";

bool loopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

Outcome<std::string> read_or_make(const std::filesystem::path& file) {
  const auto text = files::read_text(file, kSecretMax);
  if (!text && text.error() == Status::kNotFound) {
    const auto made = text::random_hex(kSecretBytes);
    if (files::replace_file(file, made + "\n")) return made;
    return refuse(Reason::kStorage, file.string() + " cannot be written");
  }
  struct stat found {};
  if (!text || ::stat(file.c_str(), &found) != 0) return refuse(Reason::kStorage, file.string() + " cannot be read");
  if ((found.st_mode & 077) != 0) {
    return refuse(Reason::kStorage, file.string() + " is open to other users; it has to be 0600");
  }
  auto secret = *text;
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.size() < kSecretBytes) return refuse(Reason::kStorage, file.string() + " holds no secret");
  return secret;
}

bool shows(std::string_view field, const std::string& secret) {
  if (!field.starts_with(kScheme)) return false;
  return constant_time_equal(ByteView(field.substr(kScheme.size())), ByteView(std::string_view(secret)));
}

http::Response unauthorized() {
  return {401,
          "application/json",
          R"({"error":{"code":"AuthenticationFailed","message":"show the secret of the data folder","exitStatus":4}})",
          {{"WWW-Authenticate", R"(Bearer realm="latchkey rehearsal")"}}};
}

}  // namespace

Outcome<std::unique_ptr<Listener>> Listener::start(const std::string& host, std::uint16_t port,
                                                   const std::filesystem::path& secret_file, Handle handle) {
  if (!loopback(host)) {
    return refuse(Reason::kInvalidArgument,
                  "the admin listener is for this machine alone: 127.0.0.1 or ::1, not " + host);
  }
  LATCHKEY_TRY(secret, read_or_make(secret_file));
  http::Options options;
  options.body_limit = kBodyLimit;
  http::Handlers handlers;
  handlers.handle = [secret, act = std::move(handle)](const http::Request& asked) -> http::Response {
    if (!shows(asked.field("authorization"), secret)) return unauthorized();
    auto reply = act({asked.method, asked.path, asked.body, "rehearsal admin", asked.peer.address});
    return {reply.status, reply.body.empty() ? "" : "application/json", std::move(reply.body)};
  };
  LATCHKEY_TRY(server, http::Server::listen_tcp(host, port, options, std::move(handlers)));
  return std::unique_ptr<Listener>(new Listener(std::move(server)));
}

}  // namespace latchkey::hub::rehearsal
