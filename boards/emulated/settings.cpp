// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/settings.h"

#include "agent/protocol/text.h"
#include "platform/base/ids.h"
#include "platform/crypto/pem.h"
#include "platform/semihosting/semihosting.h"

namespace latchkey::boards::emulated {
namespace {

using latchkey::semihosting::File;
using latchkey::semihosting::Mode;

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto number = agent::parse_decimal(text);
  if (!number || *number > static_cast<Number>(~Number{})) return false;
  out = static_cast<Number>(*number);
  return true;
}

}  // namespace

Settings::Settings() = default;

const char* Settings::load() {
  config_.no_time_before_s = agent::kWrittenAt;
  const char* problem = load_trust();
  return problem != nullptr ? problem : load_lines();
}

const char* Settings::load_trust() {
  File file("trust.pem", Mode::kRead);
  if (!file) return "trust.pem is missing: the hub's root certificate";
  const MutableBytes text(text_);
  const std::size_t size = file.read(text);
  const auto block = crypto::pem_decode(ByteView(text).subview(0, size).text(), crypto::kPemCertificate, trust_);
  if (!block) return "trust.pem holds no certificate that fits";
  trust_size_ = block->der_size;
  return nullptr;
}

const char* Settings::load_lines() {
  File file("factory.conf", Mode::kRead);
  if (!file) return "factory.conf is missing";
  const std::size_t size = file.read(text_);
  if (size == text_.size()) return "factory.conf is too long";
  std::string_view rest = ByteView(text_).subview(0, size).text();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::size_t equals = line.find('=');
    if (line.empty() || equals == std::string_view::npos) continue;
    const char* problem = take(line.substr(0, equals), line.substr(equals + 1));
    if (problem != nullptr) return problem;
  }
  if (config_.registration_id.empty() || config_.id_scope.empty() || config_.dps.host.empty()) {
    return "factory.conf: registration-id, id-scope and dps are wanted";
  }
  return config_.symmetric_key_size == 0 ? "factory.conf: no key" : nullptr;
}

const char* Settings::take(std::string_view key, std::string_view value) {
  if (key == "registration-id") {
    if (!valid_registration_id(value)) return "factory.conf: registration-id is no such id";
    config_.registration_id = value;
  } else if (key == "id-scope") {
    config_.id_scope = value;
  } else if (key == "dps") {
    const auto endpoint = agent::parse_endpoint(value);
    if (!endpoint) return "factory.conf: dps is ADDRESS:PORT";
    config_.dps = *endpoint;
  } else if (key == "wire") {
    const auto endpoint = agent::parse_endpoint(value);
    if (!endpoint) return "factory.conf: wire is ADDRESS:PORT";
    wire_ = *endpoint;
  } else if (key == "key") {
    const auto size = base64_decode(value, config_.symmetric_key);
    // The text is the secret too.
    auto* secret = const_cast<char*>(value.data());
    wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(secret), value.size()));
    if (!size) return "factory.conf: key is base64 of up to 64 bytes";
    config_.symmetric_key_size = *size;
  } else if (key == "telemetry-ms") {
    if (!read_number(value, config_.telemetry_interval_ms)) return "factory.conf: telemetry-ms";
  } else if (key == "retry-initial-ms") {
    if (!read_number(value, config_.retry_initial_ms)) return "factory.conf: retry-initial-ms";
  } else if (key == "slow-retry-ms") {
    if (!read_number(value, config_.slow_retry_ms)) return "factory.conf: slow-retry-ms";
  } else if (key == "failures-before-provisioning") {
    if (!read_number(value, config_.failures_before_provisioning)) return "factory.conf: failures-before-provisioning";
  } else if (key == "renew-at-permille") {
    if (!read_number(value, config_.renew_at_permille)) return "factory.conf: renew-at-permille";
  } else if (key == "clock-offset-s") {
    if (!read_number(value, clock_offset_s_)) return "factory.conf: clock-offset-s";
  } else {
    return "factory.conf: a line that is not known";
  }
  return nullptr;
}

}  // namespace latchkey::boards::emulated
