// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/mailbox.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace latchkey::esp_idf {
namespace {

class Locked {
 public:
  explicit Locked(SemaphoreHandle_t lock) : lock_(lock) { xSemaphoreTake(lock_, portMAX_DELAY); }
  ~Locked() { xSemaphoreGive(lock_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  SemaphoreHandle_t lock_;
};

}  // namespace

// Topic, then payload, behind it in one block.
struct Mailbox::Message {
  Message* next = nullptr;
  std::size_t topic_size = 0;
  std::size_t size = 0;  // of the payload
  std::size_t filled = 0;

  std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  std::string_view topic() { return {reinterpret_cast<const char*>(bytes()), topic_size}; }
  std::uint8_t* payload() { return bytes() + topic_size; }
  std::size_t weight() const { return topic_size + size; }

  static Message* make(std::string_view topic, std::size_t size) {
    void* const room = std::malloc(sizeof(Message) + topic.size() + size);
    if (room == nullptr) return nullptr;
    auto* const message = new (room) Message;
    message->topic_size = topic.size();
    message->size = size;
    if (!topic.empty()) std::memcpy(message->bytes(), topic.data(), topic.size());
    return message;
  }
  static void free(Message* message) {
    if (message == nullptr) return;
    wipe(MutableBytes(message->bytes(), message->weight()));  // provisioning answers are nobody's business
    std::free(message);
  }
};

Mailbox::Mailbox() : lock_(xSemaphoreCreateMutex()), signal_(xSemaphoreCreateBinary()) {}

Mailbox::~Mailbox() {
  if (usable()) clear();
  if (lock_ != nullptr) vSemaphoreDelete(lock_);
  if (signal_ != nullptr) vSemaphoreDelete(signal_);
}

void Mailbox::signal() { xSemaphoreGive(signal_); }

void Mailbox::put_connected(bool session_present) {
  {
    const Locked locked(lock_);
    connected_ = true;
    session_present_ = session_present;
  }
  signal();
}

void Mailbox::put_subscribed(bool granted) {
  {
    const Locked locked(lock_);
    ++(granted ? granted_ : not_granted_);
  }
  signal();
}

void Mailbox::put_published() {
  {
    const Locked locked(lock_);
    ++published_;
  }
  signal();
}

void Mailbox::put_ended(ports::LinkFailure why, int detail) {
  {
    const Locked locked(lock_);
    ended_ = true;
    end_ = {why, detail};
  }
  signal();
}

void Mailbox::put_piece(std::string_view topic, ByteView piece, std::size_t offset, std::size_t total) {
  if (offset == 0) {
    Message::free(std::exchange(partial_, nullptr));
    const bool fits = total <= kLargestMessage && topic.size() <= kLargestMessage - total;
    partial_ = fits ? Message::make(topic, total) : nullptr;
    if (partial_ == nullptr) {
      const Locked locked(lock_);
      ++dropped_;
    }
  }
  if (partial_ == nullptr || offset != partial_->filled) return;  // the rest of one that was dropped
  if (piece.size() > partial_->size - partial_->filled) return Message::free(std::exchange(partial_, nullptr));
  if (!piece.empty()) std::memcpy(partial_->payload() + partial_->filled, piece.data(), piece.size());
  partial_->filled += piece.size();
  if (partial_->filled == partial_->size) append(std::exchange(partial_, nullptr));
}

void Mailbox::append(Message* message) {
  {
    const Locked locked(lock_);
    if (messages_ < kMostMessages && bytes_ + message->weight() <= kMostBytes) {
      Message** last = &first_;
      while (*last != nullptr) last = &(*last)->next;
      *last = message;
      ++messages_;
      bytes_ += message->weight();
      message = nullptr;
    } else {
      ++dropped_;
    }
  }
  Message::free(message);
  signal();
}

// With the lock held.
Mailbox::Message* Mailbox::take_message() {
  Message* const message = first_;
  if (message == nullptr) return nullptr;
  first_ = message->next;
  --messages_;
  bytes_ -= message->weight();
  return message;
}

// With the lock held.
void Mailbox::forget() {
  connected_ = ended_ = false;
  granted_ = not_granted_ = published_ = 0;
  while (Message* const message = take_message()) Message::free(message);
}

void Mailbox::clear() {
  const Locked locked(lock_);
  forget();
  Message::free(std::exchange(partial_, nullptr));
}

void Mailbox::wait(TickType_t ticks) {
  {
    const Locked locked(lock_);
    if (connected_ || ended_ || first_ != nullptr || granted_ + not_granted_ + published_ > 0) return;
  }
  xSemaphoreTake(signal_, ticks);
}

bool Mailbox::has_connected() {
  const Locked locked(lock_);
  return connected_;
}

Mailbox::Delivered Mailbox::deliver_one(ports::MqttLinkEvents& to, bool quiet, End& end) {
  enum class Next : std::uint8_t { kNothing, kConnected, kGranted, kNotGranted, kPublished, kMessage, kEnded };
  Next next = Next::kNothing;
  Message* message = nullptr;
  bool session_present = false;
  {
    const Locked locked(lock_);
    if (quiet) {
      const bool was_ended = ended_;
      forget();
      ended_ = was_ended;
    }
    if (std::exchange(connected_, false)) {
      next = Next::kConnected;
      session_present = session_present_;
    } else if (granted_ > 0) {
      --granted_;
      next = Next::kGranted;
    } else if (not_granted_ > 0) {
      --not_granted_;
      next = Next::kNotGranted;
    } else if (published_ > 0) {
      --published_;
      next = Next::kPublished;
    } else if ((message = take_message()) != nullptr) {
      next = Next::kMessage;
    } else if (std::exchange(ended_, false)) {
      next = Next::kEnded;
      end = end_;
    }
  }
  switch (next) {
    case Next::kNothing: return Delivered::kNothing;
    case Next::kConnected: to.on_connected(session_present); break;
    case Next::kGranted: to.on_subscribed(true); break;
    case Next::kNotGranted: to.on_subscribed(false); break;
    case Next::kPublished: to.on_published(); break;
    case Next::kMessage: to.on_message(message->topic(), ByteView(message->payload(), message->size)); break;
    case Next::kEnded: return Delivered::kEnd;
  }
  Message::free(message);
  return Delivered::kEvent;
}

}  // namespace latchkey::esp_idf
