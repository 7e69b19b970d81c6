// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/target.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/core/config.h"
#include "agent/core/endpoint.h"
#include "platform/base/bytes.h"
#include "platform/files/descriptor.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::program {
namespace {

constexpr std::size_t kMostText = 64 * 1024;
constexpr std::size_t kSmallestKey = 16;
constexpr int kPatienceMs = 3'000;

// Empty when somebody takes the connection.
std::string why_unreachable(const std::string& address) {
  const auto endpoint = agent::parse_endpoint(address);
  if (!endpoint) return "that is no address";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host(endpoint->host);
  if (::getaddrinfo(host.c_str(), std::to_string(endpoint->port).c_str(), &hints, &found) != 0) {
    return "the name does not resolve";
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  const files::Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd wait{socket.get(), POLLOUT, 0};
  if (::poll(&wait, 1, kPatienceMs) != 1) return "no answer within 3 s";
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "" : std::strerror(error);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Result<Target> find_target(const std::filesystem::path& data, std::string& problem) {
  const auto file = data / "endpoints.json";
  const auto text = files::read_text(file, kMostText);
  const auto json = nlohmann::json::parse(text.value_or(""), nullptr, false);
  const auto field = [&json](const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  Target target{
      data.string(), field("dps"), field("hub"), field("idScope"), field("caFile"), field("enrollmentKeyFile"), {}};
  if (target.dps.empty() || target.hub.empty() || target.id_scope.empty() || target.ca_file.empty() ||
      target.key_file.empty()) {
    problem = "there is no hub in " + data.string() + " (no " + file.string() + "): start one with 'latchkey --data " +
              data.string() + " up'";
    return fail(Status::kNotFound);
  }
  std::error_code ignored;
  if (std::filesystem::exists(data / "clock.json", ignored)) target.clock_document = (data / "clock.json").string();
  for (const auto& [what, address] : {std::pair{"provisioning", target.dps}, std::pair{"hub", target.hub}}) {
    const auto why = why_unreachable(address);
    if (why.empty()) continue;
    problem = std::string("the ") + what + " endpoint " + address + " cannot be reached (" + why +
              "): is 'latchkey up' running?";
    return fail(Status::kNotReady);
  }
  return target;
}

std::vector<std::uint8_t> read_group_key(const std::string& file, std::string& problem) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    problem = "the enrollment key " + file + " has to be a file that only its owner can read (chmod 600)";
    return {};
  }
  auto text = files::read_file(file, 256);
  std::vector<std::uint8_t> key(agent::kMaxSymmetricKey);
  const auto size =
      text ? base64_decode(trimmed(ByteView(*text).text()), MutableBytes(key.data(), key.size())) : fail(text.error());
  if (text) wipe(MutableBytes(text->data(), text->size()));
  if (!size || *size < kSmallestKey) {
    wipe(MutableBytes(key.data(), key.size()));
    problem =
        "the enrollment key " + file + (text ? " does not hold a key of 16 to 64 bytes in base64" : " cannot be read");
    return {};
  }
  key.resize(*size);
  return key;
}

}  // namespace latchkey::boards::fleet::program
