// SPDX-License-Identifier: Apache-2.0
// The life of an update as a state machine: offered, fetched piece by piece, judged as it streams, made bootable,
// tried, confirmed or given back; and, when the certificate that signed what runs is revoked from a date before its
// timestamp, said so and, by policy, gone back from. Pure: an event in, one action out, no I/O; UpdateDriver performs
// the actions.
//
// Invariants:
//   1. Nothing is written before the envelope was judged good, and never to the running slot.
//   2. A slot is made bootable only after all that lies in it was read back and hashed, and its certificates were
//   judged
//      once more by what is known then.
//   3. Every action whose result matters after a restart follows the record of it: `target` is in the record before it
//      is tried. Whatever is found at a start can be gone on with.
//   4. The floor never sinks, and rises only once an image was confirmed.
//
// One thread.
#pragma once

#include "agent/update/update_state.h"
#include "agent/update/verifier.h"

namespace latchkey::agent {

enum class WhenRevoked : std::uint8_t {
  kStay,    // say so and run on
  kGoBack,  // to the other slot, if what is in it is good and not below the floor
};

// Views outlive the machine.
struct UpdateConfig {
  std::string_view board;
  Version factory_version;                 // of the image that came with the device
  const Dependency* components = nullptr;  // its other parts, with the versions that they have
  std::size_t component_count = 0;
  const ByteView* signing_roots = nullptr;  // DER
  std::size_t signing_root_count = 0;
  const ByteView* timestamp_roots = nullptr;
  std::size_t timestamp_root_count = 0;
  Pins pins;               // from onboarding; until a statement says otherwise
  ByteView statement_key;  // SubjectPublicKeyInfo, DER
  UnknownRevocation unknown = UnknownRevocation::kRefuse;
  WhenRevoked when_revoked = WhenRevoked::kGoBack;
};

// What the machine knows at a step. Lives for the step.
struct UpdateKnowledge {
  Pins pins;
  const Revocations* revocations = nullptr;
  std::optional<UnixMs> now;  // nothing while the clock has not been set
  std::uint64_t slot_size = 0;
};

struct UpdateEvent {
  enum class Kind : std::uint8_t {
    kStarted,    // `boot`; once, after the state was loaded
    kOffered,    // `offer`, `size` of the whole bundle
    kWithdrawn,  // `offer`
    kBytes,      // `bytes` of the bundle from `at` on: what was asked for, or its beginning
    kAgain,      // what was asked for will not come; asks anew
    kDone,       // the action of before was performed: `ok`, and for blocks `bytes`, as they lie in the slot
    kHealthy,    // the device is connected with its identity: what runs, works
    kRejudge,    // a statement came, or the clock was set
  };
  Kind kind = Kind::kRejudge;
  ports::FirmwareBoot boot;
  OfferId offer{};
  std::uint64_t size = 0;
  std::uint64_t at = 0;
  ByteView bytes;
  bool ok = true;
};

struct UpdateReport {
  // Numbers go to the hub: never renumber.
  enum class Kind : std::uint8_t {
    kNone = 0,
    kFetching = 1,   // judged good so far; `version`
    kRefused = 2,    // `reason`
    kReady = 3,      // made bootable; a restart follows
    kConfirmed = 4,  // runs, and stays
    kReverted = 5,   // `reason`: kNotConfirmed
    kRevoked = 6,    // what runs is revoked; `version`
    kGoingBack = 7,  // to the other slot; `version` is that one's
    kNoWayBack = 8,  // the other slot holds nothing that may be run
    kWithdrawn = 9,
    kUpToDate = 10,  // that very image runs already
  };
  Kind kind = Kind::kNone;
  Reason reason = Reason::kGood;
  Version version;
  OfferId offer{};  // the bundle that it is about; zeros: none
};
std::string_view name_of(UpdateReport::Kind kind);  // "goingBack"

// One at a time; kDone follows all but kWait, kFetch and kRestart, at once.
struct UpdateAction {
  enum class Kind : std::uint8_t {
    kWait,
    kGoOn,        // nothing to perform
    kFetch,       // `length` bytes of the bundle `offer` from `at` on
    kWriteBlock,  // `bytes` to `block` of `slot`, and read back
    kReadBlock,   // `length` bytes of it
    kStoreState,
    kTryNext,  // `slot`
    kConfirm,
    kRestart,
  };
  Kind kind = Kind::kWait;
  OfferId offer{};
  std::uint64_t at = 0;
  std::size_t length = 0;
  ports::FirmwareSlot slot = ports::FirmwareSlot::kA;
  std::uint32_t block = 0;
  ByteView bytes;
  UpdateReport report;  // to be told before the action is performed
};

struct UpdaterRoom {
  VerifierRoom verifier;
  std::array<std::uint8_t, ports::FirmwareStore::kBlockSize> block{};
};

class Updater {
 public:
  enum class State : std::uint8_t {
    kStopped,  // before kStarted
    kIdle,
    kEnvelope,          // fetching
    kStoringCandidate,  // judged good: on record before the first block
    kImage,             // fetching
    kWriting,
    kStoringProgress,
    kRehashing,  // after a restart: what was stored before
    kSealed,     // complete; waits for the clock
    kStoringTarget,
    kChoosing,  // telling the boot loader
    kRestarting,
    kTrial,
    kConfirming,
    kStoringFloor,
    kSettling,  // and then it is idle
  };
  // Blocks between two records of progress: 64 KiB.
  static constexpr std::uint32_t kProgressBlocks = 16;
  static constexpr std::size_t kPieceMax = ports::FirmwareStore::kBlockSize;

  // Both outlive the machine.
  Updater(const UpdateConfig& config, UpdaterRoom& room) : config_(config), room_(room), verifier_(room.verifier) {}

  // Loaded before kStarted, stored when an action says so.
  UpdateState& record() { return record_; }
  const UpdateState& record() const { return record_; }
  State state() const { return state_; }
  const ports::FirmwareBoot& boot() const { return boot_; }
  const ImageFacts& running() const { return record_.in(boot_.running); }
  // The kFetch that is waited for, or kWait.
  UpdateAction wanted() const;
  // The image that is fetched, and how much of it lies in its slot: as large as what a restart would find.
  struct Progress {
    std::uint64_t stored = 0;
    std::uint64_t size = 0;  // 0: nothing is being stored
  };
  Progress progress() const;

  UpdateAction step(const UpdateEvent& event, const UpdateKnowledge& known);

 private:
  UpdateAction react(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction start(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction start_trying(const UpdateKnowledge& known);
  UpdateAction resume();
  UpdateAction offered(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction withdrawn(const UpdateEvent& event);
  UpdateAction bytes(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction envelope_judged();
  UpdateAction done(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction healthy(const UpdateKnowledge& known);
  UpdateAction rejudge(const UpdateKnowledge& known);
  UpdateAction go_back(const UpdateKnowledge& known);

  void keep(ByteView image);
  UpdateAction fill_or_write();
  UpdateAction block_written(const UpdateEvent& event, const UpdateKnowledge& known);
  UpdateAction block_read(const UpdateEvent& event);
  UpdateAction seal(const UpdateKnowledge& known);
  UpdateAction try_target(UpdateReport report);
  // Idle, on record if the record says otherwise.
  UpdateAction settle(UpdateReport report);
  UpdateAction refuse(Reason reason);
  UpdateAction store(State next, UpdateReport report = {});
  UpdateAction go_on(State next, UpdateReport report);
  UpdateAction fetch(std::uint64_t at, std::uint64_t left) const;
  UpdateAction restart(UpdateReport report = {});

  std::uint64_t stored() const { return std::uint64_t{record_.blocks_done} * ports::FirmwareStore::kBlockSize; }
  std::uint64_t fetched() const { return stored() + held_; }
  Reason judge_image(const ImageFacts& image, const UpdateKnowledge& known) const;
  UpdateTrust trust(const UpdateKnowledge& known) const;

  const UpdateConfig& config_;
  UpdaterRoom& room_;
  Verifier verifier_;
  State state_ = State::kStopped;
  UpdateState record_;
  ports::FirmwareBoot boot_;
  std::uint64_t bundle_size_ = 0;
  std::uint64_t envelope_fetched_ = 0;
  std::size_t held_ = 0;         // bytes in room_.block
  std::uint32_t rehashed_ = 0;   // blocks
  bool busy_on_record_ = false;  // the record that is stored says that something is under way
  bool told_revoked_ = false;    // since the start
  bool tried_back_ = false;      // to go back, since the start
};

}  // namespace latchkey::agent
