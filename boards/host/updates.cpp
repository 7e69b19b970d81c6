// SPDX-License-Identifier: Apache-2.0
#include "boards/host/updates.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "agent/story/update_text.h"
#include "platform/crypto/pem.h"

namespace latchkey::boards::host {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kFileMax = 65'536;
constexpr std::size_t kRootsMax = 8;
constexpr std::string_view kPemPublicKey = "PUBLIC KEY";
// The blocks of that label in a PEM file; none when there is no such file, or too many bytes in it.
std::vector<Bytes> read_pem(const std::string& path, std::string_view label) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<Bytes> blocks;
  if (text.size() > kFileMax) return blocks;
  std::string_view rest = text;
  for (;;) {
    Bytes der(rest.size());
    const auto block = crypto::pem_decode(rest, label, MutableBytes(der.data(), der.size()));
    if (!block) return blocks;
    der.resize(block->der_size);
    blocks.push_back(std::move(der));
    rest.remove_prefix(block->consumed);
  }
}

// Digits up to `largest`, from the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text, std::uint64_t largest) {
  const std::size_t end = std::min(text.find('.'), text.size());
  const auto number = agent::parse_decimal(text.substr(0, end));
  if (!number || *number > largest) return std::nullopt;
  text.remove_prefix(end);
  return *number;
}

// Whether the text went on with a dot, and with something behind it.
bool take_dot(std::string_view& text) {
  if (text.size() < 2 || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}

// Base 128, the last octet without its high bit (X.690 section 8.19).
void put_arc(Bytes& out, std::uint64_t arc) {
  Bytes digits(1, static_cast<std::uint8_t>(arc & 0x7F));
  while ((arc >>= 7) != 0) digits.push_back(static_cast<std::uint8_t>(0x80 | (arc & 0x7F)));
  out.insert(out.end(), digits.rbegin(), digits.rend());
}

bool valid_board(const std::string& name) {
  return agent::valid_component_name(name) && name.find_first_of("\"\\") == std::string::npos;
}

}  // namespace

Bytes oid_octets(const std::string& dotted) {
  constexpr std::uint64_t kArcMax = UINT32_MAX;
  std::string_view rest = dotted;
  const auto first = take_number(rest, 2);
  if (!first || !take_dot(rest)) return {};
  const auto second = take_number(rest, *first < 2 ? 39 : kArcMax);
  if (!second) return {};
  Bytes octets;
  put_arc(octets, *first * 40 + *second);
  while (take_dot(rest)) {
    const auto arc = take_number(rest, kArcMax);
    if (!arc) return {};
    put_arc(octets, *arc);
  }
  return rest.empty() ? octets : Bytes();
}

std::unique_ptr<Updates> Updates::open(const Options& options, const Ports& ports, Log log, std::string& problem) {
  problem.clear();
  if (options.firmware_board.empty()) return nullptr;
  std::unique_ptr<Updates> updates(new Updates(options, std::move(log)));
  if (!updates->read_trust(problem) || !updates->open_store(problem)) return nullptr;
  agent::ConversationConfig talk;
  talk.retry_initial_ms = options.retry_initial_ms;
  talk.retry_max_ms = std::max(options.slow_retry_ms, options.retry_initial_ms);
  updates->session_ = std::make_unique<agent::UpdateSession>(
      updates->config_, talk,
      agent::UpdateSession::Ports{ports.link, *updates->store_, ports.clock, ports.entropy, updates->room_}, *updates,
      options.firmware_trial_limit_ms);
  return updates;
}

Updates::Updates(const Options& options, Log log) : options_(options), log_(std::move(log)) {}

bool Updates::read_trust(std::string& problem) {
  const auto signing = read_pem(options_.firmware_roots, crypto::kPemCertificate);
  const auto timestamping = read_pem(options_.firmware_timestamp_roots, crypto::kPemCertificate);
  const auto keys = read_pem(options_.firmware_statement_key, kPemPublicKey);
  const auto version = agent::parse_version(options_.firmware_version);
  const bool p256 = keys.size() == 1 && agent::valid_statement_key(keys[0]);
  if (signing.empty() || signing.size() > kRootsMax) {
    problem = "--firmware-roots: 1 to 8 certificates in PEM are wanted in " + options_.firmware_roots;
  } else if (timestamping.empty() || timestamping.size() > kRootsMax) {
    problem =
        "--firmware-timestamp-roots: 1 to 8 certificates in PEM are wanted in " + options_.firmware_timestamp_roots;
  } else if (!p256) {
    problem = "--firmware-statement-key: one P-256 public key in PEM is wanted in " + options_.firmware_statement_key;
  } else if (!version) {
    problem = "--firmware-version: three numbers are wanted, as in 1.0.0";
  } else if (!valid_board(options_.firmware_board)) {
    problem = "--firmware-board: up to 64 printable characters without space, quotation mark and backslash";
  }
  if (!problem.empty()) return false;
  ders_ = signing;
  ders_.insert(ders_.end(), timestamping.begin(), timestamping.end());
  ders_.push_back(keys[0]);
  for (const std::string& pin : options_.firmware_pins) {
    ders_.push_back(oid_octets(pin));
    if (ders_.back().empty()) {
      problem = "--firmware-pins: " + pin + " is no object identifier";
      return false;
    }
  }
  // From here on nothing moves any more.
  const std::size_t timestamps_at = signing.size();
  const std::size_t key_at = timestamps_at + timestamping.size();
  signing_roots_.assign(ders_.begin(), ders_.begin() + static_cast<std::ptrdiff_t>(timestamps_at));
  timestamp_roots_.assign(ders_.begin() + static_cast<std::ptrdiff_t>(timestamps_at),
                          ders_.begin() + static_cast<std::ptrdiff_t>(key_at));
  config_.board = options_.firmware_board;
  config_.factory_version = *version;
  config_.signing_roots = signing_roots_.data();
  config_.signing_root_count = signing_roots_.size();
  config_.timestamp_roots = timestamp_roots_.data();
  config_.timestamp_root_count = timestamp_roots_.size();
  config_.statement_key = ders_[key_at];
  for (std::size_t i = key_at + 1; i < ders_.size(); ++i) {
    if (!config_.pins.add(ders_[i])) problem = "--firmware-pins: at most four";
  }
  return problem.empty();
}

bool Updates::open_store(std::string& problem) {
  const std::string folder = options_.state_folder + "/firmware";
  auto store = posix::PosixFirmwareStore::open(folder, options_.firmware_slot_size);
  if (store) {
    store_ = std::move(*store);
    return true;
  }
  const char* reason = "it cannot be used";
  if (store.error() == Status::kInvalidArgument) reason = "--firmware-slot-size is no multiple of 4096";
  if (store.error() == Status::kMismatch) reason = "its slots have another size than --firmware-slot-size";
  if (store.error() == Status::kStorageFull) reason = "there is no room for two slots";
  if (store.error() == Status::kRefused) reason = "it has to be a folder of this user that nobody else may write to";
  problem = "firmware folder " + folder + ": " + reason;
  return false;
}

void Updates::on_update(const agent::UpdateReport& report) {
  std::array<std::uint8_t, 128> line;
  agent::TextWriter out(line);
  agent::put_update(out, report);
  log_(std::string(out.finish().value_or("?")));
}

void Updates::on_statement(const Result<agent::StatementKind>& taken) {
  std::array<std::uint8_t, 128> line;
  agent::TextWriter out(line);
  agent::put_statement(out, taken, session_->summary());
  log_(std::string(out.finish().value_or("?")));
}

}  // namespace latchkey::boards::host
