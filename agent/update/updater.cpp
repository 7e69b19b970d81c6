// SPDX-License-Identifier: Apache-2.0
#include "agent/update/updater.h"

#include <algorithm>
#include <cstring>

namespace latchkey::agent {
namespace {

using ActionKind = UpdateAction::Kind;
using EventKind = UpdateEvent::Kind;
using ReportKind = UpdateReport::Kind;
using Phase = UpdateState::Phase;

constexpr std::size_t kBlock = ports::FirmwareStore::kBlockSize;

UpdateReport report_of(ReportKind kind, Version version, Reason reason = Reason::kGood) {
  return {kind, reason, version, {}};
}

// And not what runs.
bool is_about_offer(ReportKind kind) {
  switch (kind) {
    case ReportKind::kFetching:
    case ReportKind::kRefused:
    case ReportKind::kReady:
    case ReportKind::kConfirmed:
    case ReportKind::kReverted:
    case ReportKind::kWithdrawn:
    case ReportKind::kUpToDate: return true;
    default: return false;
  }
}

UpdateAction wait(UpdateReport report = {}) {
  UpdateAction action;
  action.report = report;
  return action;
}

}  // namespace

std::string_view name_of(UpdateReport::Kind kind) {
  switch (kind) {
    case ReportKind::kNone: return "none";
    case ReportKind::kFetching: return "fetching";
    case ReportKind::kRefused: return "refused";
    case ReportKind::kReady: return "ready";
    case ReportKind::kConfirmed: return "confirmed";
    case ReportKind::kReverted: return "reverted";
    case ReportKind::kRevoked: return "revoked";
    case ReportKind::kGoingBack: return "goingBack";
    case ReportKind::kNoWayBack: return "noWayBack";
    case ReportKind::kWithdrawn: return "withdrawn";
    case ReportKind::kUpToDate: return "upToDate";
  }
  return "unknown";
}

UpdateAction Updater::step(const UpdateEvent& event, const UpdateKnowledge& known) {
  UpdateAction action = react(event, known);
  UpdateReport& report = action.report;
  if (is_about_offer(report.kind) && report.offer == OfferId()) report.offer = record_.offer;
  return action;
}

UpdateAction Updater::react(const UpdateEvent& event, const UpdateKnowledge& known) {
  if ((state_ == State::kStopped) != (event.kind == EventKind::kStarted)) return wait();
  switch (event.kind) {
    case EventKind::kStarted: return start(event, known);
    case EventKind::kOffered: return offered(event, known);
    case EventKind::kWithdrawn: return withdrawn(event);
    case EventKind::kBytes: return bytes(event, known);
    case EventKind::kAgain: return wanted();
    case EventKind::kDone: return done(event, known);
    case EventKind::kHealthy: return healthy(known);
    case EventKind::kRejudge: return rejudge(known);
  }
  return wait();
}

// ---- Starting

UpdateAction Updater::start(const UpdateEvent& event, const UpdateKnowledge& known) {
  boot_ = event.boot;
  state_ = State::kIdle;
  if (record_.sequence == 0) {  // the device's first start
    ImageFacts& factory = record_.in(boot_.running);
    factory.origin = ImageFacts::Origin::kFactory;
    factory.version = config_.factory_version;
    return store(State::kSettling);
  }
  busy_on_record_ = record_.phase != Phase::kIdle;
  if (record_.phase == Phase::kFetching) return resume();
  if (record_.phase == Phase::kTrying) return start_trying(known);
  return rejudge(known);
}

// The record says that `target` is to be tried: has it been, and what came of it?
UpdateAction Updater::start_trying(const UpdateKnowledge& known) {
  if (boot_.running == record_.target) {
    if (boot_.trial == ports::FirmwareTrial::kRunning) {
      state_ = State::kTrial;
      return rejudge(known);
    }
    state_ = State::kConfirming;  // confirmed, and the power failed before that was on record
    UpdateEvent confirmed;
    confirmed.kind = EventKind::kDone;
    return done(confirmed, known);
  }
  if (boot_.trial == ports::FirmwareTrial::kFailed) {
    ImageFacts& tried = record_.in(record_.target);
    const Version version = tried.version;
    tried = ImageFacts();
    return settle(report_of(ReportKind::kReverted, version, Reason::kNotConfirmed));
  }
  // The power failed before the boot loader was told.
  return try_target({});
}

UpdateAction Updater::resume() {
  if (record_.target == boot_.running) return settle({});  // nothing is ever written there
  bundle_size_ = record_.image_at + record_.candidate.size;
  verifier_.resume(record_.candidate.size, record_.candidate.sha256);
  held_ = 0;
  rehashed_ = 0;
  state_ = State::kRehashing;
  UpdateEvent nothing_yet;
  return block_read(nothing_yet);
}

// ---- Fetching

UpdateAction Updater::offered(const UpdateEvent& event, const UpdateKnowledge& known) {
  const bool fetching = state_ == State::kEnvelope || state_ == State::kImage || state_ == State::kSealed;
  if (!fetching && state_ != State::kIdle) return wait();
  if (fetching && event.offer == record_.offer) return wanted();
  if (event.size > known.slot_size + Envelope::kSizeMax + 9) {
    UpdateReport refused = report_of(ReportKind::kRefused, {}, Reason::kTooLarge);
    refused.offer = event.offer;
    return wait(refused);
  }
  record_.offer = event.offer;
  record_.phase = Phase::kIdle;  // what was being fetched is given up; on record with the next candidate
  record_.blocks_done = 0;
  bundle_size_ = event.size;
  envelope_fetched_ = 0;
  held_ = 0;
  DeviceFacts device;
  device.board = config_.board;
  device.floor = record_.floor;
  device.components = config_.components;
  device.component_count = config_.component_count;
  device.slot_size = known.slot_size;
  verifier_.begin(trust(known), device, known.now);
  state_ = State::kEnvelope;
  return wanted();
}

UpdateAction Updater::withdrawn(const UpdateEvent& event) {
  const bool fetching = state_ == State::kEnvelope || state_ == State::kImage || state_ == State::kSealed;
  if (!fetching || event.offer != record_.offer) return wait();
  return settle(report_of(ReportKind::kWithdrawn, record_.candidate.version));
}

UpdateAction Updater::fetch(std::uint64_t at, std::uint64_t left) const {
  UpdateAction action;
  action.kind = ActionKind::kFetch;
  action.offer = record_.offer;
  action.at = at;
  action.length = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceMax));
  return action;
}

UpdateAction Updater::wanted() const {
  if (state_ == State::kEnvelope) return fetch(envelope_fetched_, bundle_size_ - envelope_fetched_);
  if (state_ != State::kImage) return wait();
  const std::uint64_t left = record_.candidate.size - fetched();
  return fetch(record_.image_at + fetched(), std::min<std::uint64_t>(left, kBlock - held_));
}

Updater::Progress Updater::progress() const {
  const bool storing = record_.phase == Phase::kFetching;
  const std::uint64_t blocks = record_.blocks_done / kProgressBlocks * kProgressBlocks;
  return storing ? Progress{blocks * kBlock, record_.candidate.size} : Progress();
}

UpdateAction Updater::bytes(const UpdateEvent& event, const UpdateKnowledge& known) {
  const UpdateAction asked = wanted();
  // Not what was asked for: late, twice, or more.
  if (asked.kind != ActionKind::kFetch || event.at != asked.at || event.bytes.size() > asked.length) return wait();
  verifier_.know(trust(known), known.now);
  if (event.bytes.empty()) return refuse(Reason::kUnreadable);  // there is no more of it
  const bool before = verifier_.judged();
  const auto piece = verifier_.take(event.bytes);
  if (!piece) return refuse(piece.error());
  if (!before) envelope_fetched_ += event.bytes.size();
  keep(piece->image);
  if (before) return fill_or_write();
  if (verifier_.judged()) return envelope_judged();
  if (envelope_fetched_ == bundle_size_) return refuse(Reason::kUnreadable);
  return wanted();
}

// On record before the first block: from here on a restart goes on where it was.
UpdateAction Updater::envelope_judged() {
  const Manifest& manifest = verifier_.manifest();
  if (verifier_.image_at() + manifest.size != bundle_size_) return refuse(Reason::kUnreadable);
  const ImageFacts& now = running();
  if (now.origin == ImageFacts::Origin::kBundle && manifest.sha256 == ByteView(now.sha256)) {
    return settle(report_of(ReportKind::kUpToDate, now.version));
  }
  ImageFacts& candidate = record_.candidate;
  candidate.origin = ImageFacts::Origin::kBundle;
  candidate.version = manifest.version;
  candidate.minimum = manifest.minimum_version;
  candidate.size = manifest.size;
  std::memcpy(candidate.sha256.data(), manifest.sha256.data(), candidate.sha256.size());
  candidate.evidence = verifier_.evidence();
  record_.phase = Phase::kFetching;
  record_.target = ports::other(boot_.running);
  record_.in(record_.target) = ImageFacts();  // about to be written over
  record_.image_at = verifier_.image_at();
  record_.blocks_done = 0;
  busy_on_record_ = true;
  return store(State::kStoringCandidate, report_of(ReportKind::kFetching, candidate.version));
}

// A piece is never larger than a block, and never more than fits into this one.
void Updater::keep(ByteView image) {
  if (!image.empty()) std::memcpy(room_.block.data() + held_, image.data(), image.size());
  held_ += image.size();
}

UpdateAction Updater::fill_or_write() {
  state_ = State::kImage;
  const bool complete = fetched() == record_.candidate.size;
  if (held_ < kBlock && !complete) return wanted();
  state_ = State::kWriting;
  UpdateAction action;
  action.kind = ActionKind::kWriteBlock;
  action.slot = record_.target;
  action.block = record_.blocks_done;
  action.bytes = ByteView(room_.block.data(), held_);
  return action;
}

UpdateAction Updater::block_written(const UpdateEvent& event, const UpdateKnowledge& known) {
  if (!event.ok) return refuse(Reason::kStorageFailed);
  verifier_.absorb(event.bytes);
  const bool complete = fetched() == record_.candidate.size;
  ++record_.blocks_done;
  held_ = 0;
  if (complete) return seal(known);
  if (record_.blocks_done % kProgressBlocks == 0) return store(State::kStoringProgress);
  return fill_or_write();
}

// After a restart. What lies there was written before and may be damaged since: only the digest at the end will tell.
UpdateAction Updater::block_read(const UpdateEvent& event) {
  if (!event.ok) return refuse(Reason::kStorageFailed);
  if (!event.bytes.empty()) {
    verifier_.absorb(event.bytes);
    ++rehashed_;
  }
  if (rehashed_ == record_.blocks_done) return fill_or_write();
  UpdateAction action;
  action.kind = ActionKind::kReadBlock;
  action.slot = record_.target;
  action.block = rehashed_;
  action.length = kBlock;
  return action;
}

// ---- Sealing and trying

UpdateAction Updater::seal(const UpdateKnowledge& known) {
  if (state_ != State::kSealed) {
    const Reason content = verifier_.finish();
    if (content != Reason::kGood) return refuse(content);
  }
  // Something may have become known meanwhile.
  const Reason judged = judge_image(record_.candidate, known);
  state_ = State::kSealed;
  if (judged == Reason::kClockNotSet) return wait();
  if (judged != Reason::kGood) return refuse(judged);
  if (record_.candidate.version < record_.floor) return refuse(Reason::kTooOld);
  record_.in(record_.target) = record_.candidate;
  record_.candidate = ImageFacts();
  record_.phase = Phase::kTrying;
  busy_on_record_ = true;
  return store(State::kStoringTarget, report_of(ReportKind::kReady, record_.in(record_.target).version));
}

UpdateAction Updater::try_target(UpdateReport report) {
  state_ = State::kChoosing;
  UpdateAction action;
  action.kind = ActionKind::kTryNext;
  action.slot = record_.target;
  action.report = report;
  return action;
}

UpdateAction Updater::restart(UpdateReport report) {
  state_ = State::kRestarting;
  UpdateAction action;
  action.kind = ActionKind::kRestart;
  action.report = report;
  return action;
}

UpdateAction Updater::healthy(const UpdateKnowledge& known) {
  if (state_ != State::kTrial) return wait();
  const UpdateAction judged = rejudge(known);
  if (judged.kind != ActionKind::kWait) return judged;
  state_ = State::kConfirming;
  UpdateAction action;
  action.kind = ActionKind::kConfirm;
  return action;
}

// ---- Results

UpdateAction Updater::done(const UpdateEvent& event, const UpdateKnowledge& known) {
  switch (state_) {
    case State::kStoringCandidate: return event.ok ? fill_or_write() : refuse(Reason::kStorageFailed);
    case State::kWriting: return block_written(event, known);
    case State::kStoringProgress: return fill_or_write();  // without it a restart only begins further in front
    case State::kRehashing: return block_read(event);
    case State::kStoringTarget: return event.ok ? try_target({}) : refuse(Reason::kStorageFailed);
    case State::kChoosing: return event.ok ? restart() : refuse(Reason::kStorageFailed);
    case State::kConfirming: {
      if (!event.ok) {
        state_ = State::kTrial;  // asked again when the device is next found healthy
        return wait(report_of(ReportKind::kRefused, running().version, Reason::kStorageFailed));
      }
      if (record_.floor < running().minimum) record_.floor = running().minimum;
      record_.phase = Phase::kIdle;
      busy_on_record_ = false;
      return store(State::kStoringFloor);
    }
    case State::kStoringFloor:
      state_ = State::kIdle;
      boot_.trial = ports::FirmwareTrial::kNone;
      return wait(report_of(ReportKind::kConfirmed, running().version));
    case State::kSettling: state_ = State::kIdle; return rejudge(known);
    default: return wait();
  }
}

UpdateAction Updater::store(State next, UpdateReport report) {
  state_ = next;
  UpdateAction action;
  action.kind = ActionKind::kStoreState;
  action.report = report;
  return action;
}

UpdateAction Updater::go_on(State next, UpdateReport report) {
  state_ = next;
  UpdateAction action;
  action.kind = ActionKind::kGoOn;
  action.report = report;
  return action;
}

UpdateAction Updater::settle(UpdateReport report) {
  record_.phase = Phase::kIdle;
  record_.candidate = ImageFacts();
  record_.blocks_done = 0;
  held_ = 0;
  if (!busy_on_record_) return go_on(State::kSettling, report);
  busy_on_record_ = false;
  return store(State::kSettling, report);
}

UpdateAction Updater::refuse(Reason reason) {
  const Version version = record_.candidate.version;
  return settle(report_of(ReportKind::kRefused, version, reason));
}

// ---- What became known

Reason Updater::judge_image(const ImageFacts& image, const UpdateKnowledge& known) const {
  if (image.origin == ImageFacts::Origin::kFactory) return Reason::kGood;
  if (image.origin == ImageFacts::Origin::kNone) return Reason::kUnreadable;
  return judge(image.evidence, known.revocations, config_.unknown, known.now);
}

UpdateTrust Updater::trust(const UpdateKnowledge& known) const {
  UpdateTrust trust;
  trust.signing_roots = config_.signing_roots;
  trust.signing_root_count = config_.signing_root_count;
  trust.timestamp_roots = config_.timestamp_roots;
  trust.timestamp_root_count = config_.timestamp_root_count;
  trust.pins = known.pins;
  trust.revocations = known.revocations;
  trust.unknown = config_.unknown;
  return trust;
}

// Only a revocation takes away what runs: that its certificate has ended, or that nothing is known, does not.
UpdateAction Updater::rejudge(const UpdateKnowledge& known) {
  if (state_ == State::kSealed) return seal(known);
  if (state_ != State::kIdle && state_ != State::kTrial) return wait();
  if (judge_image(running(), known) != Reason::kRevoked) return wait();
  const UpdateReport revoked = report_of(ReportKind::kRevoked, running().version, Reason::kRevoked);
  if (state_ == State::kTrial) return restart(revoked);  // never confirmed: the boot loader goes back
  if (!told_revoked_) {
    told_revoked_ = true;
    return go_on(State::kSettling, revoked);  // and here again
  }
  return config_.when_revoked == WhenRevoked::kGoBack ? go_back(known) : wait();
}

UpdateAction Updater::go_back(const UpdateKnowledge& known) {
  if (tried_back_) return wait();  // a medium that fails, or no way: once is enough until the next start
  tried_back_ = true;
  const ports::FirmwareSlot back = ports::other(boot_.running);
  const ImageFacts& image = record_.in(back);
  if (judge_image(image, known) != Reason::kGood || image.version < record_.floor) {
    return wait(report_of(ReportKind::kNoWayBack, running().version, Reason::kRevoked));
  }
  record_.phase = Phase::kTrying;
  record_.target = back;
  record_.offer = OfferId();  // what comes of it concerns no bundle of the hub's
  busy_on_record_ = true;
  return store(State::kStoringTarget, report_of(ReportKind::kGoingBack, image.version));
}

}  // namespace latchkey::agent
