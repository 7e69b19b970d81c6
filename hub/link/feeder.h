// SPDX-License-Identifier: Apache-2.0
// Keeps one gate's state equal to the registry's, and knows how far it is.
//
// A snapshot when the gate is new or lost its place, increments after that; every sequence number of the registry
// maps to the batch that carries it, and the gate's Acks tell which sequence is applied (table and trust store hold
// it) and which is cut (every session that it condemned is closed).
//
// A gate may serve for as long as its lease says (docs/consistency.md). Without need_lease() that is for ever; with it
// as grant() says, and no grant reaches the gate before every change up to the grant's sequence number has: behind it,
// or in the same batch.
//
// A gate whose process is new serves nobody before its first snapshot is whole, and that may take long. Nobody has to
// wait for it, and nobody may end it for being slow: whoever is told so is owed that no snapshot ends without the
// change that he asked for.
//
// Threads: all functions from any thread. Batches are sent from the feeder's own thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "hub/wire/feed.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::link {

enum class Progress : std::uint8_t { kApplied, kCut };

class Feeder {
 public:
  // False when there is no connection.
  using Send = std::function<bool(const wire::Batch&)>;

  // A gate of the hub endpoint follows the hub of that name. A gate of the DPS endpoint has no registry to follow
  // (nullptr): it gets the clock alone.
  Feeder(registry::Registry* registry, std::string hub_name, Send send);
  ~Feeder();
  void start();
  void stop();

  void gate_up();
  void gate_down();
  void acknowledged(const wire::Ack& ack);
  void committed(registry::Sequence newest);
  void set_clock(const wire::ClockSet& clock);  // acknowledged like a change; see wait_clock()
  // Before start(): this gate serves by leases alone. One that has a lease of an earlier hub process keeps its end.
  void need_lease();
  // Whoever knows the registry up to `sequence` may serve until then, by CLOCK_BOOTTIME.
  void grant(registry::Sequence sequence, std::uint64_t until_boot_ms);
  // Grants that were not sent yet are sent no more.
  void drop_grants();

  // The broker process: while it is dead nobody is served with old state, so nobody has to wait for it. One that is
  // adopted goes on with the state that it has.
  void process_started();
  void process_adopted();
  void process_ended();

  // True once the gate has come that far, or when it serves nobody before it has: its process is gone, or has no state
  // yet. For the latter a kApplied waits all the same, as long as it may: a device is about to come. False on time-out
  // or stop().
  bool wait(registry::Sequence sequence, Progress progress, int timeout_ms);
  // True once the gate goes by the clock that was set last.
  bool wait_clock(int timeout_ms);
  // The same, but nobody has to wait for a gate whose process is gone, or has no state yet.
  bool wait_clock_or_end(int timeout_ms);

  struct State {
    bool process_alive = false;
    bool connected = false;
    bool ready = false;       // holds a complete snapshot
    std::uint64_t taken = 0;  // batches that are at the gate, of the snapshot that comes in and what follows it
    registry::Sequence applied = 0;
    registry::Sequence cut = 0;
  };
  State state() const;

 private:
  struct Lease {
    registry::Sequence sequence = 0;  // nobody may have it who knows less
    std::uint64_t end_ms = wire::kEndless;
  };
  struct Mark {  // batches up to `number` carry everything up to `sequence` and clock version `clock`
    std::uint64_t number;
    registry::Sequence sequence;
    std::uint64_t clock;
  };
  void run();
  bool feed_snapshot();  // false: nothing came of it, and it is wanted still if the gate is there
  bool feed_increment();
  std::uint64_t begin_generation(wire::Batch& batch);
  bool read_snapshot(wire::Batch& batch, registry::Sequence& sequence);
  bool read_changes(wire::Batch& batch, registry::Sequence& sequence);
  bool may_end(wire::Batch& batch, registry::Sequence sequence, std::uint64_t& clock);
  bool wait_for_room();
  bool send(wire::Batch& batch);
  bool hand_over(wire::Batch& batch);
  bool start_anew();
  void mark(registry::Sequence sequence, std::uint64_t clock);
  bool take_grants(registry::Sequence known);
  std::uint64_t lease_end(registry::Sequence known) const { return lease_.sequence <= known ? lease_.end_ms : 0; }
  void advance();  // with mutex_ held
  bool relevant(const registry::ChangeBody& body) const;
  bool reached(registry::Sequence sequence, Progress progress) const;
  bool serves_nobody() const { return !ending_ && (!alive_ || !has_state_); }

  registry::Registry* const registry_;
  const std::string hub_name_;
  const Send send_;
  std::thread thread_;

  // the feeder thread's alone
  std::uint64_t generation_ = 0;
  std::uint64_t number_ = 0;
  registry::Sequence fed_ = 0;
  std::uint64_t fed_clock_ = 0;
  Lease lease_;  // that was granted last, of those that the gate was known enough for
  Uuid hub_;
  Uuid namespace_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable work_;
  std::condition_variable progress_;
  bool stopping_ = false;
  bool up_ = false;
  bool alive_ = false;
  bool snapshot_wanted_ = false;
  registry::Sequence newest_ = 0;
  std::deque<Lease> grants_;  // not sent yet, by both numbers
  wire::ClockSet clock_;
  std::uint64_t clock_version_ = 1;
  std::uint64_t current_generation_ = 0;
  std::uint64_t acked_applied_ = 0;
  std::uint64_t acked_cut_ = 0;
  std::deque<Mark> applied_marks_;
  std::deque<Mark> cut_marks_;
  bool ready_ = false;
  bool has_state_ = false;       // the process may have one: the end of a snapshot went out to it, or it was adopted
  bool ending_ = false;          // the end of a snapshot is going out, to whatever process
  registry::Sequence owed_ = 0;  // nobody was waited for who serves without that; no snapshot ends before it
  registry::Sequence applied_ = 0;
  registry::Sequence cut_ = 0;
  std::uint64_t applied_clock_ = 0;
};

}  // namespace latchkey::hub::link
