// SPDX-License-Identifier: Apache-2.0
#include "agent/core/driver.h"

namespace latchkey::agent {

Driver::Driver(const Config& config, const Ports& ports, Observer& observer)
    : ports_(ports), observer_(observer), core_(config, ports.entropy, ports.room) {}

Now Driver::now() const { return {ports_.clock.now(), ports_.clock.is_set(), ports_.clock.monotonic()}; }

void Driver::start() {
  for (const ports::Item item : {ports::Item::kSlotA, ports::Item::kSlotB, ports::Item::kPendingKey}) {
    const auto size = ports_.storage.read(item, ports_.room.read_back);
    take(Loaded{item, ByteView(ports_.room.read_back.data(), size.value_or(0))});
  }
  wipe(ports_.room.read_back);
  take(Start{});
}

void Driver::stop() { take(Stop{}); }

void Driver::on_timer() {
  // One trigger a step; a bound, so that a clock that jumps cannot keep us here.
  for (int i = 0; i < 4; ++i) {
    take(Timer{});
    if (core_.wake_at() > ports_.clock.monotonic()) return;
  }
}

void Driver::on_connected(bool session_present) { take(LinkUp{session_present}); }
void Driver::on_ended(ports::LinkFailure why, int detail) { take(LinkEnded{why, detail}); }
void Driver::on_subscribed(bool granted) { take(Subscribed{granted}); }
void Driver::on_published() { take(Published{}); }
void Driver::on_message(std::string_view topic, ByteView payload) {
  // From within a step the views would not live long enough: dropped, as QoS 0 may be.
  if (!stepping_) take(Message{topic, payload});
}

void Driver::take(const Event& event) {
  if (queued_ == kQueue) return;  // cannot happen: a step asks for fewer answers than there is room
  queue_[(queue_head_ + queued_) % kQueue] = event;
  ++queued_;
  if (stepping_) return;
  stepping_ = true;
  while (queued_ > 0) {
    const Event next = queue_[queue_head_];
    queue_head_ = (queue_head_ + 1) % kQueue;
    --queued_;
    step(next);
  }
  stepping_ = false;
}

void Driver::step(const Event& event) {
  const State before = core_.state();
  const Actions& actions = core_.step(event, now());
  for (const Action& action : actions) perform(action);
  if (core_.state() != before) observer_.on_state(before, core_.state());
}

void Driver::perform(const Action& action) {
  struct Performer {
    Driver& driver;
    void operator()(const MakeKey& wanted) { driver.make_key(wanted); }
    void operator()(const Store& wanted) { driver.take(Stored{wanted.ticket, driver.store(wanted)}); }
    void operator()(const MarkRecord& wanted) { driver.take(Stored{wanted.ticket, driver.mark(wanted)}); }
    void operator()(const Erase& wanted) { (void)driver.ports_.storage.erase(wanted.item); }
    void operator()(const Connect& wanted) {
      if (!driver.ports_.link.connect(wanted.request)) driver.take(LinkEnded{ports::LinkFailure::kLocal, 0});
    }
    void operator()(const Disconnect&) { driver.ports_.link.disconnect(); }
    // What cannot be sent is not answered: the core's time limit for the answer, or the end of the link, deals with it.
    void operator()(const Subscribe& wanted) { (void)driver.ports_.link.subscribe(wanted.filter, 1); }
    void operator()(const Publish& wanted) { (void)driver.ports_.link.publish(wanted.topic, wanted.payload, 1); }
    void operator()(const Report& report) { driver.observer_.on_report(report); }
  };
  std::visit(Performer{*this}, action);
}

void Driver::make_key(const MakeKey& wanted) {
  const auto made = ports_.keys.make(wanted.curve, wanted.common_name, ports_.room.made);
  made ? take(KeyMade{wanted.ticket, &ports_.room.made}) : take(KeyFailed{wanted.ticket, made.error()});
}

Status Driver::store(const Store& wanted) {
  const auto written = ports_.storage.write(wanted.item, wanted.bytes);
  if (!written) return written.error();
  // No medium's word is taken: what counts is what can be read back.
  const auto size = ports_.storage.read(wanted.item, ports_.room.read_back);
  const bool same = size && ByteView(ports_.room.read_back.data(), *size) == wanted.bytes;
  wipe(ports_.room.read_back);
  return same ? Status::kOk : Status::kCorrupt;
}

Status Driver::mark(const MarkRecord& wanted) {
  const auto size = ports_.storage.read(wanted.item, ports_.room.read_back);
  if (!size) return size.error();
  const MutableBytes text(ports_.room.read_back.data(), *size);
  auto done = restate_record(text, wanted.state);
  if (done) done = ports_.storage.write(wanted.item, text);
  wipe(ports_.room.read_back);
  return done ? Status::kOk : done.error();
}

}  // namespace latchkey::agent
