// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_cache.h"

namespace latchkey::hub::ca {

std::optional<OcspAnswer> OcspCache::find(const std::string& questions,
                                          const std::vector<registry::SerialStanding>& standings, const void* signer,
                                          UnixMs now) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_questions_.find(questions);
  if (found == by_questions_.end()) return std::nullopt;
  const Entry& entry = *found->second;
  if (entry.standings != standings || entry.signer != signer || now < entry.answer.this_update ||
      now >= entry.renew_at) {
    return std::nullopt;  // put() replaces it
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return entry.answer;
}

void OcspCache::put(const std::string& questions, std::vector<registry::SerialStanding> standings, const void* signer,
                    UnixMs renew_at, OcspAnswer answer) {
  if (limit_ == 0) return;
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_questions_.find(questions); found != by_questions_.end()) {
    entries_.erase(found->second);
    by_questions_.erase(found);
  }
  if (entries_.size() >= limit_) {
    by_questions_.erase(entries_.back().questions);
    entries_.pop_back();
  }
  entries_.push_front({questions, std::move(standings), signer, renew_at, std::move(answer)});
  by_questions_[questions] = entries_.begin();
}

std::size_t OcspCache::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

}  // namespace latchkey::hub::ca
