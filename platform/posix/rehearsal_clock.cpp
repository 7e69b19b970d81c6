// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/rehearsal_clock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>

namespace latchkey::posix {
namespace {

constexpr double kMaxSeconds = 1e11;  // three thousand years: anything beyond is a mistake, and UnixMs holds it
constexpr double kMaxRate = 1e6;
constexpr std::size_t kMaxDocument = 4096;

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

// Leaves `to` alone when the member is missing; false when it is there and no number within the limits.
bool read_number(const nlohmann::json& object, const char* name, double low, double high, double& to) {
  const auto member = object.find(name);
  if (member == object.end()) return true;
  if (!member->is_number()) return false;
  const double value = member->get<double>();
  if (!std::isfinite(value) || value < low || value > high) return false;
  to = value;
  return true;
}

struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

// Empty when it cannot be read or is too long to be a document.
std::string read_all(int descriptor) {
  std::string text(kMaxDocument + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxDocument) return {};
  text.resize(size);
  return text;
}

}  // namespace

Result<RehearsalDocument> parse_rehearsal_document(std::string_view text) {
  constexpr bool kNoExceptions = false;
  const auto json = nlohmann::json::parse(text, nullptr, kNoExceptions);
  if (!json.is_object()) return fail(Status::kMalformed);
  RehearsalDocument document;
  if (!read_number(json, "offset", -kMaxSeconds, kMaxSeconds, document.offset_s) ||
      !read_number(json, "rate", 0, kMaxRate, document.rate) ||
      !read_number(json, "since", 0, kMaxSeconds, document.since_s)) {
    return fail(Status::kMalformed);
  }
  if (document.rate != 1 && !json.contains("since")) return fail(Status::kMalformed);
  return document;
}

UnixMs rehearsal_time(const RehearsalDocument& document, UnixMs real) {
  const double offset_ms = document.offset_s * 1000;
  if (document.rate == 1) return real + std::llround(offset_ms);
  const double since_ms = document.since_s * 1000;
  const double moved_ms = since_ms + (static_cast<double>(real) - since_ms) * document.rate + offset_ms;
  return std::llround(std::clamp(moved_ms, -2 * kMaxSeconds * 1000, 2 * kMaxSeconds * 1000));
}

UnixMs RehearsalClock::now(UnixMs real, ports::MonotonicMs monotonic) {
  return rehearsal_time(document(monotonic), real);
}

RehearsalDocument RehearsalClock::document(ports::MonotonicMs monotonic) {
  const std::lock_guard lock(mutex_);
  if (!checked_ || monotonic - checked_at_ >= kRecheckMs) refresh(monotonic);
  return document_;
}

void RehearsalClock::refresh(ports::MonotonicMs monotonic) {
  checked_ = true;
  checked_at_ = monotonic;
  const File file{open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat found;
  if (file.descriptor < 0 || fstat(file.descriptor, &found) != 0) return;
  const Version version{found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size),
                        nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
  if (version == version_) return;
  const auto parsed = parse_rehearsal_document(read_all(file.descriptor));
  // A document seen half-written keeps its version unknown, so that it is read again even if its time stamp stays.
  if (!parsed) return;
  version_ = version;
  document_ = *parsed;
}

}  // namespace latchkey::posix
