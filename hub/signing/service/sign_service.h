// SPDX-License-Identifier: Apache-2.0
// Signing by digest, as a long-running operation: begin() puts it on record and answers, a worker signs it with the
// certificate that is current by then, find() tells what came of it. Nobody hears "accepted" or "succeeded" before that
// is durable. What was accepted and not signed when the process ended is signed after the next start.
//
// Each profile has a queue of its own, and workers take from them in turn, so a busy profile does not keep others
// waiting, nor does one whose certificate is being made. A queue that is full refuses (kThrottled). A month's quota is
// counted and stops nothing.
//
// Threads: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/service/journal.h"
#include "hub/signing/service/profile_certificates.h"

namespace latchkey::hub::signing {

class SignService {
 public:
  struct Options {
    std::size_t workers = 0;         // 0: as many as there are processors
    std::size_t queue_limit = 256;   // operations of one profile that wait or are being signed
    std::size_t total_limit = 4096;  // of all
  };
  using Operation = registry::signing::Operation;
  using OperationStatus = registry::signing::OperationStatus;

  // All outlive it. Takes on what was left open. kStorage.
  static Answer<std::unique_ptr<SignService>> start(registry::signing::OperationRows& rows,
                                                    ProfileCertificates& certificates, ProfileDirectory& directory,
                                                    ServiceClock clock, Options options);
  ~SignService();
  // Finishes what is being signed; what waits stays on record. Later calls are refused (kShuttingDown).
  void close();

  // kUnauthorized: the profile may not sign. kInvalidArgument: a digest of another length than the algorithm's, or an
  // algorithm that the profile's keys do not have. kThrottled. kStorage.
  Answer<Operation> begin(const registry::Call& call, const ProfileFacts& profile, Algorithm algorithm,
                          ByteView digest);
  // kOperationNotFound unless it is an operation of that profile. kStorage.
  Answer<Operation> find(const ProfileFacts& profile, const Uuid& id);
  // begin(), and waits for its end, which may be failure.
  Answer<Operation> sign(const registry::Call& call, const ProfileFacts& profile, Algorithm algorithm, ByteView digest);

  // Newest first, those with numbers below `before` (0: from the newest), at most 1,000.
  Answer<std::vector<Operation>> history(const ProfileFacts& profile, std::uint64_t before, std::size_t limit);
  // Signatures of the account in the month of that time.
  Answer<std::uint64_t> usage(const Uuid& account, UnixMs at);

 private:
  struct Job {
    std::uint64_t number = 0;
    ProfileFacts profile;
    Algorithm algorithm = Algorithm::kRs256;
    Bytes digest;
    bool holds = false;  // the queue of its profile
  };
  struct Queue {
    std::deque<Job> waiting;
    std::size_t open = 0;  // waiting, being signed, or being put on record
    bool listed = false;   // in turns_
    bool held = false;     // a worker is making the profile's certificate: others need not wait for it
  };
  struct Waiter {
    std::uint64_t number = 0;  // 0: it waits for none
    std::optional<registry::signing::OperationEnd> end;
    std::condition_variable changed;
  };

  // `waiter` hears of its end, if there is one, until forget(); also when this is refused.
  Answer<Operation> begin(const registry::Call& call, const ProfileFacts& profile, Algorithm algorithm, ByteView digest,
                          Waiter* waiter);
  void forget(const Waiter& waiter);
  SignService(registry::signing::OperationRows& rows, ProfileCertificates& certificates, ServiceClock clock,
              Options options);
  Answer<registry::Nothing> resume(ProfileDirectory& directory);
  Answer<registry::Nothing> reserve(const Uuid& profile);
  void release(const Uuid& profile);
  void queue(Job job);
  std::optional<Job> take();
  void let_go(const Uuid& profile);
  void list(const Uuid& profile, Queue& queue);
  void work();
  registry::signing::OperationEnd signed_by_profile(const Job& job);
  void ended(const registry::signing::OperationEnd& end);

  registry::signing::OperationRows& rows_;
  ProfileCertificates& certificates_;
  const ServiceClock clock_;
  const Options options_;
  std::atomic<std::uint64_t> newest_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable queued_;
  std::map<Uuid, Queue> queues_;              // of profiles with open operations
  std::deque<Uuid> turns_;                    // profiles that have something waiting
  std::map<std::uint64_t, Uuid> profiles_;    // of open operations, by number
  std::map<std::uint64_t, Waiter*> waiters_;  // by number
  std::size_t open_ = 0;
  bool closing_ = false;
  bool closed_ = false;  // nothing ends any more

  std::unique_ptr<Journal> journal_;
  std::vector<std::thread> workers_;
};

// The number that an operation's id begins with, and an id for a number.
std::uint64_t number_in(const Uuid& operation);
Uuid operation_id(std::uint64_t number);
bool fits(KeyKind key, Algorithm algorithm);

}  // namespace latchkey::hub::signing
