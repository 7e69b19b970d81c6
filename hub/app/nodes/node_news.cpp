// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_news.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

using registry::Outcome;

constexpr std::size_t kAtOnce = 256;
constexpr std::size_t kDigits = 20;  // always so many, so that each write replaces all of the last

std::optional<std::uint64_t> read_number(const std::filesystem::path& file) {
  const auto text = files::read_text(file, kDigits);
  if (!text) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

// One that cannot be kept costs a device that it is told twice, or that its session ends.
void write_number(const std::filesystem::path& file, std::uint64_t number) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (opened < 0) return;
  const auto digits = std::to_string(number);
  const auto text = std::string(kDigits - digits.size(), '0') + digits;
  (void)!::pwrite(opened, text.data(), text.size(), 0);
  ::close(opened);
}

}  // namespace

Outcome<bool> NodeNews::turn(registry::store::Database& database) {
  if (!place_) {
    LATCHKEY_TRY(newest, registry::store::newest_news(database));
    place_ = newest;
  }
  const auto begun = begun_.load();
  if (begun == Begun::kNo) return false;
  // A number that the registry has not reached is another registry's.
  if (begun == Begun::kWithLeft) place_ = std::min(*place_, read_number(kept_).value_or(*place_));
  if (begun != Begun::kReading) write_number(kept_, *place_);
  begun_ = Begun::kReading;
  LATCHKEY_TRY(news, registry::store::news_after(database, *place_, kAtOnce));
  if (news.empty()) return false;
  if (news.front().number != *place_ + 1) listeners_.end_sessions();
  for (const auto& one : news) listeners_.tell(one);
  place_ = news.back().number;
  write_number(kept_, *place_);
  return news.size() == kAtOnce;
}

}  // namespace latchkey::hub::app
