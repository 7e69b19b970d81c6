// SPDX-License-Identifier: Apache-2.0
// CrlPublisher: keeps one file <folder>/<ca uuid>.crl (DER) a CA, for everyone but the hub, which never reads them.
// A CA has a list from its creation on, empty at first; a revocation is on it within a second; an unchanged list is
// signed anew when half of its validity is over. That goes for a revoked issuing CA as well, until it expires.
//
// Issuing CAs have shards beside their list for every way in which lists were ever split (hub/ca/crl_shards.h). A shard
// is signed when its own entries change, with the number of the list that is signed with it: its numbers increase with
// gaps. The list goes first and the registry's record comes last, so that what a crash leaves undone is still due.
//
// When its policy or credential is deleted, a CA signs one last list, which is valid until the CA's own end (RFC 5280
// section 5.1.2.5: no other will follow), and then its key is destroyed. File durable, key unnamed in the registry, key
// destroyed: a crash before the second of these is made good by the next start of this class, one behind it by
// KeyProvider::destroy_unnamed.
//
// Order: file durable, then the registry's record of its number. A number stands for one content of the list (the
// registry takes a new one with every change), so after a crash between the two the file found is just recorded; no two
// lists ever share a number (RFC 5280 section 5.2.3).
//
// Of several hub nodes one signs, and puts each list into the registry before its own file; the others write what they
// find there, so that all serve the same ones. A list that the registry does not have counts as worn out: it is from
// before there were several nodes.
//
// Threads: one of its own does the work. wake() may be called from any thread, also from the registry's commit
// listener: it neither blocks nor calls back. start() and stop() belong to the owner.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "hub/ca/authority.h"
#include "hub/ca/published_list.h"
#include "registry/operations/status_lists.h"

namespace latchkey::hub::ca {

// How a rehearsal spoils a list.
enum class Spoilt : std::uint8_t {
  kNot,
  kStale,          // its nextUpdate is over
  kWronglySigned,  // its signature does not verify
};

class CrlPublisher {
 public:
  struct Options {
    std::filesystem::path folder;                 // made (0755) if it is not there
    std::vector<CrlSplit> splits = {};            // none: whole lists alone
    std::chrono::milliseconds coalesce{100};      // revocations this close together share one signature
    std::chrono::milliseconds check_every{1000};  // real time between looks at the clock, which may be rehearsed
    UnixMs validity_ms = 7 * kDayMs;              // nextUpdate after thisUpdate, but for last lists
    // What else has to be signed by a CA that is about to lose its key. The key stays until this has worked.
    std::function<registry::Outcome<void>(const registry::CaCertificate&)> before_end = {};
    // Asked each time that lists of a CA are signed; without it none is spoilt.
    std::function<Spoilt(const registry::CaCertificate&)> spoil = {};
    // Of several nodes: what they share, which outlives the publisher, and whether this is the one who signs now.
    registry::StatusLists* shared = nullptr;
    std::function<bool()> on_duty = {};
  };
  using Clock = std::function<UnixMs()>;
  // A failure to publish is tried again; this hears of it (and never of keys).
  using ErrorSink = std::function<void(const registry::Refusal&)>;

  // Registry and authority outlive this object.
  CrlPublisher(registry::Registry& registry, Authority& authority, Clock clock, Options options, ErrorSink on_error);
  ~CrlPublisher();  // stops
  CrlPublisher(const CrlPublisher&) = delete;
  CrlPublisher& operator=(const CrlPublisher&) = delete;

  // Publishes what is due, then goes on in its own thread. kStorage when the folder cannot be made.
  registry::Outcome<void> start();
  // A list may have changed.
  void wake();
  // As wake(), and every list is signed anew, whatever became of it.
  void anew();
  // Publishes what is due now, on the caller's thread, and ends CAs whose last list that was; returns how many lists
  // were written. Of several nodes, who is not on duty writes what the one who is has signed. Used by start(), by
  // tests, and by whoever must know that a list is out.
  registry::Outcome<std::size_t> publish();
  // Finishes the list at hand; the rest is due after the next start. May be called twice.
  void stop();

  std::filesystem::path file_of(const Uuid& ca) const;

 private:
  // One list of a CA, as it has to be.
  struct Part {
    CrlShard shard;
    std::vector<std::string> addresses;  // empty: the whole list
    ListContent content;
  };
  using Parts = std::vector<Part>;
  struct Writing {
    UnixMs now = 0;
    Spoilt spoilt = Spoilt::kNot;
  };
  void run();
  bool stopping();
  bool anew_wanted();  // and it is not any more
  registry::Outcome<std::size_t> publish_due();
  registry::Outcome<std::size_t> follow();
  registry::Outcome<void> share(const std::string& path, std::uint64_t number, const registry::Bytes& der);
  registry::Outcome<void> write_file(const std::string& path, const registry::Bytes& der);
  void report(const registry::Outcome<std::size_t>& outcome);
  registry::Outcome<void> add_stale(UnixMs now, bool anew, std::vector<registry::CrlOrder>& orders);
  // Whole list first.
  Parts parts_of(const registry::CaCertificate& ca) const;
  Parts parts_of(const registry::CrlOrder& order) const;
  // What lies on disk will do: it says what it has to, for long enough, and the whole list also under this number.
  bool will_do(const Part& part, const registry::CrlOrder& order, UnixMs now);
  registry::Outcome<void> record(const Uuid& ca, const Parts& parts);
  // How many lists were written.
  registry::Outcome<std::size_t> publish_one(registry::CrlOrder order, UnixMs now);
  registry::Outcome<void> write(const registry::CrlOrder& order, const Part& part, const Writing& writing);
  // The last list is on disk.
  registry::Outcome<void> end(const registry::CrlOrder& order);
  PublishedList& last_of(const Uuid& ca, CrlShard shard);

  registry::Registry& registry_;
  Authority& authority_;
  const Clock clock_;
  const Options options_;
  const ErrorSink on_error_;

  std::mutex publishing_;  // one publication at a time; guards the next five
  std::map<std::tuple<Uuid, unsigned, unsigned>, PublishedList> published_;  // read from the files once
  std::int64_t followed_ = 0;          // the version up to which the registry's lists are here
  std::set<std::string> in_registry_;  // paths of those
  UnixMs looked_at_ = 0;
  UnixMs look_again_at_ = 0;  // when the first of the unchanged lists has to be renewed

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;     // guarded by mutex_
  bool anew_ = false;      // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
  registry::Reason reported_ = registry::Reason::kNone;  // start(), then the thread's
};

}  // namespace latchkey::hub::ca
