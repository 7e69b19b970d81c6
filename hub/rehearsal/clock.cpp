// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/clock.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "hub/rehearsal/internal/reader.h"
#include "hub/text/time.h"
#include "platform/files/file.h"

namespace latchkey::hub::rehearsal {

using nlohmann::json;
using posix::RehearsalDocument;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr double kMostSeconds = 3.2e10;  // a thousand years
constexpr double kMostRate = 1e6;
constexpr std::size_t kDocumentMax = 4096;

// "2027-01-31T12:00:00Z", with or without milliseconds; nothing else.
std::optional<UnixMs> parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  int ms = 0;
  int read = 0;
  if (*rest == '.') {
    if (std::sscanf(rest, ".%3d%n", &ms, &read) != 1 || read != 4) return std::nullopt;
    rest += read;
  }
  if (std::string_view(rest) != "Z") return std::nullopt;
  return static_cast<UnixMs>(::timegm(&parts)) * 1000 + ms;
}

// Runs at that rate, and says `now` at `real`.
RehearsalDocument saying(UnixMs now, UnixMs real, double rate) {
  RehearsalDocument document;
  document.rate = rate;
  document.since_s = rate == 1 ? 0 : static_cast<double>(real) / 1000;
  document.offset_s = static_cast<double>(now - real) / 1000;
  return document;
}

}  // namespace

// What is not there, or not readable, is real time to everybody who reads it.
Outcome<RehearsalDocument> Clock::read() const {
  const auto text = files::read_text(parts_.file, kDocumentMax);
  if (!text && text.error() != Status::kNotFound) {
    return refuse(Reason::kStorage, parts_.file.string() + " cannot be read");
  }
  const auto parsed = text ? posix::parse_rehearsal_document(*text) : fail(Status::kNotFound);
  return parsed ? *parsed : RehearsalDocument{};
}

Outcome<json> Clock::show() {
  LATCHKEY_TRY(document, read());
  const UnixMs real = parts_.real();
  const UnixMs now = posix::rehearsal_time(document, real);
  return json{{"now", text::iso8601(now)},   {"nowMs", now},          {"realMs", real},
              {"offset", document.offset_s}, {"rate", document.rate}, {"since", document.since_s}};
}

Outcome<json> Clock::move(const RehearsalDocument& to, UnixMs real, bool backwards) {
  LATCHKEY_TRY(from, read());
  const UnixMs before = posix::rehearsal_time(from, real);
  const UnixMs after = posix::rehearsal_time(to, real);
  if (after < before && !backwards) {
    return refuse(Reason::kPreconditionFailed, "that is back in time, from " + text::iso8601(before) + " to " +
                                                   text::iso8601(after) + ": say \"backwards\": true to do so");
  }
  const json document{{"offset", to.offset_s}, {"rate", to.rate}, {"since", to.since_s}};
  if (!files::replace_file(parts_.file, document.dump() + "\n", files::kPublicFile)) {
    return refuse(Reason::kStorage, parts_.file.string() + " cannot be written");
  }
  LATCHKEY_TRY_VOID(parts_.settle(to));
  return show();
}

Outcome<json> Clock::set(std::string_view body) {
  LATCHKEY_TRY(reader, Reader::parse(body.empty() ? "{}" : body));
  auto root = reader->root();
  const auto now_text = root.text("now");
  const auto offset = root.number("offset", -kMostSeconds, kMostSeconds);
  const auto rate = root.number("rate", 0, kMostRate);
  const bool backwards = root.flag("backwards").value_or(false);
  const auto now = now_text ? parse_time(*now_text) : std::nullopt;
  if (now_text && !now) root.refuse("now", "is a time in UTC: 2027-01-31T12:00:00Z");
  if (now && offset) root.refuse("give now or offset, not both");
  LATCHKEY_TRY_VOID(reader->finish());

  const std::lock_guard lock(mutex_);
  LATCHKEY_TRY(from, read());
  const UnixMs real = parts_.real();
  UnixMs wanted = posix::rehearsal_time(from, real);
  if (now) wanted = *now;
  if (offset) wanted = real + std::llround(*offset * 1000);
  return move(saying(wanted, real, rate.value_or(from.rate)), real, backwards);
}

Outcome<json> Clock::advance(std::string_view body) {
  LATCHKEY_TRY(reader, Reader::parse(body.empty() ? "{}" : body));
  auto root = reader->root();
  if (!root.has("seconds")) root.refuse("seconds", "is missing");
  const double seconds = root.number("seconds", -kMostSeconds, kMostSeconds).value_or(0);
  const bool backwards = root.flag("backwards").value_or(false);
  LATCHKEY_TRY_VOID(reader->finish());

  const std::lock_guard lock(mutex_);
  LATCHKEY_TRY(document, read());
  document.offset_s += seconds;
  return move(document, parts_.real(), backwards);
}

}  // namespace latchkey::hub::rehearsal
