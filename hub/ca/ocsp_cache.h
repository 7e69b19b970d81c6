// SPDX-License-Identifier: Apache-2.0
// OcspCache: signed answers for questions without a nonce, the least recently used going first.
//
// An entry says under which standings it was signed, and is found only while the registry says the same: so nothing has
// to be invalidated, and a revocation is seen by the next question. What is saved is the signature, not the look-up.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

struct OcspAnswer {
  registry::Bytes der;    // an OCSPResponse
  bool reusable = false;  // signed, and without a nonce: others may be given the same
  UnixMs this_update = 0;
  UnixMs next_update = 0;
};

class OcspCache {
 public:
  explicit OcspCache(std::size_t limit) : limit_(limit) {}

  // Nothing when there is none for `questions` (their CertIDs, in order), or when it was signed for other standings, by
  // another signer, or in the future, or should be signed anew.
  std::optional<OcspAnswer> find(const std::string& questions, const std::vector<registry::SerialStanding>& standings,
                                 const void* signer, UnixMs now);
  // Used up to `renew_at`.
  void put(const std::string& questions, std::vector<registry::SerialStanding> standings, const void* signer,
           UnixMs renew_at, OcspAnswer answer);
  std::size_t size() const;

 private:
  struct Entry {
    std::string questions;
    std::vector<registry::SerialStanding> standings;
    const void* signer;  // compared, never used
    UnixMs renew_at;
    OcspAnswer answer;
  };

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first; guarded by mutex_, as is the next
  std::unordered_map<std::string, std::list<Entry>::iterator> by_questions_;
};

}  // namespace latchkey::hub::ca
