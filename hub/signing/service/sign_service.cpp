// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/sign_service.h"

#include <algorithm>

namespace latchkey::hub::signing {

using registry::Call;
using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::OperationEnd;
using registry::signing::OperationRows;

namespace {

constexpr std::size_t kNumberBytes = 6;

OperationEnd failed(std::uint64_t number, std::string why, UnixMs now) {
  return {number, registry::signing::OperationStatus::kFailed, {}, {}, std::move(why), now};
}

}  // namespace

std::uint64_t number_in(const Uuid& operation) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | operation.bytes[i];
  return number;
}

// RFC 9562 section 5.8, version 8: 48 bits are the number, the others are random.
Uuid operation_id(std::uint64_t number) {
  Uuid id = random_id();
  for (std::size_t i = 0; i < kNumberBytes; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (kNumberBytes - 1 - i)));
  }
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
  return id;
}

bool fits(KeyKind key, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEs256: return key == KeyKind::kEcP256;
    case Algorithm::kEs384: return key == KeyKind::kEcP384;
    case Algorithm::kEs512: return key == KeyKind::kEcP521;
    case Algorithm::kEs256k: return key == KeyKind::kEcSecp256k1;
    default: return key == KeyKind::kRsa3072;
  }
}

SignService::SignService(OperationRows& rows, ProfileCertificates& certificates, ServiceClock clock, Options options)
    : rows_(rows), certificates_(certificates), clock_(std::move(clock)), options_(options) {}

Answer<std::unique_ptr<SignService>> SignService::start(OperationRows& rows, ProfileCertificates& certificates,
                                                        ProfileDirectory& directory, ServiceClock clock,
                                                        Options options) {
  std::unique_ptr<SignService> made(new SignService(rows, certificates, std::move(clock), options));
  LATCHKEY_TRY(newest, rows.newest());
  made->newest_ = newest;
  made->journal_ = std::make_unique<Journal>(rows, [self = made.get()](const OperationEnd& end) { self->ended(end); });
  LATCHKEY_TRY_VOID(made->resume(directory));
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t workers = options.workers == 0 ? processors : options.workers;
  for (std::size_t i = 0; i < workers; ++i) made->workers_.emplace_back([self = made.get()] { self->work(); });
  return made;
}

// As many as were open fit: they were let in under the same limits, or under others that the operator has changed.
Answer<Nothing> SignService::resume(ProfileDirectory& directory) {
  LATCHKEY_TRY(open, rows_.open());
  for (Operation& one : open) {
    const auto profile = directory.find(one.account_name, one.profile_name);
    const auto algorithm = algorithm_by_name(one.algorithm);
    const std::lock_guard lock(mutex_);
    ++queues_[one.profile].open;
    ++open_;
    profiles_[one.number] = one.profile;
    if (!profile || profile->profile != one.profile || !algorithm) {
      journal_->end(failed(one.number, "the profile is gone", clock_()));
    } else {
      queue({one.number, *profile, *algorithm, std::move(one.digest)});
    }
  }
  return Nothing{};
}

SignService::~SignService() { close(); }

void SignService::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  queued_.notify_all();
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
  if (journal_) journal_->close();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const auto& [number, waiter] : waiters_) waiter->changed.notify_one();
}

Answer<Nothing> SignService::reserve(const Uuid& profile) {
  const std::lock_guard lock(mutex_);
  if (closing_) return refuse(Reason::kShuttingDown, "the signing service is closing");
  const auto found = queues_.find(profile);
  const std::size_t open_here = found == queues_.end() ? 0 : found->second.open;
  if (open_ >= options_.total_limit || open_here >= options_.queue_limit) {
    return refuse(Reason::kThrottled, "too many operations wait to be signed; try again later");
  }
  ++queues_[profile].open;
  ++open_;
  return Nothing{};
}

void SignService::release(const Uuid& profile) {
  const std::lock_guard lock(mutex_);
  --open_;
  const auto found = queues_.find(profile);
  if (--found->second.open == 0) queues_.erase(found);
}

// Under mutex_.
void SignService::queue(Job job) {
  const Uuid profile = job.profile.profile;
  Queue& queue = queues_[profile];
  queue.waiting.push_back(std::move(job));
  list(profile, queue);
}

// Under mutex_.
void SignService::list(const Uuid& profile, Queue& queue) {
  if (queue.listed || queue.held || queue.waiting.empty()) return;
  queue.listed = true;
  turns_.push_back(profile);
}

Answer<SignService::Operation> SignService::begin(const Call& call, const ProfileFacts& profile, Algorithm algorithm,
                                                  ByteView digest) {
  return begin(call, profile, algorithm, digest, nullptr);
}

// Signed while it is put on record: nobody hears of the one before the other.
Answer<SignService::Operation> SignService::begin(const Call& call, const ProfileFacts& profile, Algorithm algorithm,
                                                  ByteView digest, Waiter* waiter) {
  LATCHKEY_TRY_VOID(check_may_sign(profile));
  const AlgorithmFacts& facts = facts_of(algorithm);
  if (digest.size() != digest_size(facts.hash)) {
    return refuse(Reason::kInvalidArgument, std::string(facts.name) + " signs a digest of " +
                                                std::to_string(digest_size(facts.hash)) + " bytes, not of " +
                                                std::to_string(digest.size()));
  }
  if (!fits(profile.key, algorithm)) {
    return refuse(Reason::kInvalidArgument, "the profile's keys are " + std::string(name_of(profile.key)) +
                                                ", which do not sign " + std::string(facts.name));
  }
  LATCHKEY_TRY_VOID(reserve(profile.profile));
  Operation operation;
  operation.number = ++newest_;
  operation.id = operation_id(operation.number);
  operation.account = profile.account;
  operation.profile = profile.profile;
  operation.account_name = profile.account_name;
  operation.profile_name = profile.profile_name;
  operation.algorithm = facts.name;
  operation.digest = copy_of(digest);
  operation.actor = call.actor;
  operation.source = call.source;
  operation.asked = call.now;
  Journal::Begin on_record(operation);
  if (auto started = journal_->start(on_record); !started) {
    release(profile.profile);
    return fail(started.error());
  }
  {
    const std::lock_guard lock(mutex_);
    profiles_[operation.number] = profile.profile;
    if (waiter != nullptr) {
      waiter->number = operation.number;
      waiters_[operation.number] = waiter;
    }
    queue({operation.number, profile, algorithm, operation.digest});
  }
  queued_.notify_one();
  // When that fails it is signed and ends all the same, with no row to say so.
  LATCHKEY_TRY_VOID(journal_->wait(on_record));
  return operation;
}

// Profiles take turns.
std::optional<SignService::Job> SignService::take() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [this] { return closing_ || !turns_.empty(); });
  if (closing_) return std::nullopt;
  const Uuid profile = turns_.front();
  turns_.pop_front();
  Queue& queue = queues_.at(profile);
  Job job = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  queue.listed = false;
  queue.held = job.holds = !certificates_.ready(profile);
  list(profile, queue);
  return job;
}

void SignService::let_go(const Uuid& profile) {
  {
    const std::lock_guard lock(mutex_);
    Queue& queue = queues_.at(profile);  // there: the job that held it has not ended
    queue.held = false;
    list(profile, queue);
  }
  queued_.notify_all();
}

void SignService::work() {
  while (auto job = take()) {
    auto end = signed_by_profile(*job);
    if (job->holds) let_go(job->profile.profile);
    journal_->end(std::move(end));
  }
}

OperationEnd SignService::signed_by_profile(const Job& job) {
  const auto signer = certificates_.current(job.profile);
  if (!signer) return failed(job.number, signer.error().detail, clock_());
  auto signature = (*signer)->key->sign(job.algorithm, job.digest);
  if (!signature) return failed(job.number, signature.error().detail, clock_());
  return {job.number, OperationStatus::kSucceeded, (*signer)->serial, std::move(*signature), {}, clock_()};
}

void SignService::ended(const OperationEnd& end) {
  const std::lock_guard lock(mutex_);
  const auto profile = profiles_.find(end.number);
  if (profile == profiles_.end()) return;
  --open_;
  const auto queue = queues_.find(profile->second);
  if (--queue->second.open == 0) queues_.erase(queue);
  profiles_.erase(profile);
  const auto waiter = waiters_.find(end.number);
  if (waiter == waiters_.end()) return;
  waiter->second->end = end;
  waiter->second->changed.notify_one();
}

void SignService::forget(const Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter.number != 0) waiters_.erase(waiter.number);
}

Answer<SignService::Operation> SignService::find(const ProfileFacts& profile, const Uuid& id) {
  LATCHKEY_TRY(found, rows_.find(number_in(id)));
  if (!found || found->id != id || found->profile != profile.profile) {
    return refuse(Reason::kOperationNotFound, "the profile has no operation of that id");
  }
  return std::move(*found);
}

Answer<SignService::Operation> SignService::sign(const Call& call, const ProfileFacts& profile, Algorithm algorithm,
                                                 ByteView digest) {
  Waiter waiter;
  auto begun = begin(call, profile, algorithm, digest, &waiter);
  if (begun) {
    std::unique_lock lock(mutex_);
    waiter.changed.wait(lock, [&] { return waiter.end || closed_; });
  }
  forget(waiter);
  if (!begun) return begun;
  Operation& operation = *begun;
  if (!waiter.end) return find(profile, operation.id);
  operation.status = waiter.end->status;
  operation.certificate = std::move(waiter.end->certificate);
  operation.signature = std::move(waiter.end->signature);
  operation.error = std::move(waiter.end->error);
  operation.ended = waiter.end->ended;
  return begun;
}

Answer<std::vector<SignService::Operation>> SignService::history(const ProfileFacts& profile, std::uint64_t before,
                                                                 std::size_t limit) {
  return rows_.history(profile.profile, before, limit);
}

Answer<std::uint64_t> SignService::usage(const Uuid& account, UnixMs at) {
  return rows_.usage(account, registry::signing::month_of(at));
}

}  // namespace latchkey::hub::signing
