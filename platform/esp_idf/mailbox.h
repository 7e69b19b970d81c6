// SPDX-License-Identifier: Apache-2.0
// What one session's events wait in until the agent's task takes them. Private to platform/esp_idf: esp-mqtt's task
// puts in, the agent's takes out. It is a form to fill, not a queue, so nothing in it can overflow but messages, and
// these are bounded: what does not fit is dropped, as the device's side of QoS 0 and 1 may. Its lock is never held
// while anything else is called.
#pragma once

#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>

#include <cstdint>
#include <string_view>

#include "platform/ports/mqtt_link.h"

namespace latchkey::esp_idf {

class Mailbox {
 public:
  static constexpr std::size_t kMostMessages = 8;
  static constexpr std::size_t kLargestMessage = 16'384;  // topic and payload
  static constexpr std::size_t kMostBytes = 24'576;

  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  // False when there was no memory for its locks.
  bool usable() const { return lock_ != nullptr && signal_ != nullptr; }

  // Of esp-mqtt's task.
  void put_connected(bool session_present);
  void put_subscribed(bool granted);
  void put_published();
  // A message in pieces as they come: `offset` 0 begins one of `total` bytes, and only then there is a topic.
  void put_piece(std::string_view topic, ByteView piece, std::size_t offset, std::size_t total);
  void put_ended(ports::LinkFailure why, int detail);

  // Of the agent's task. Forgets all that is there.
  void clear();
  // Waits for something to be put in, `ticks` at most.
  void wait(TickType_t ticks);
  bool has_connected();
  enum class Delivered : std::uint8_t { kNothing, kEvent, kEnd };
  struct End {
    ports::LinkFailure why;
    int detail;
  };
  // The next event; the end of the session comes last, and is given to the caller to tell. With `quiet` all but the end
  // are thrown away.
  Delivered deliver_one(ports::MqttLinkEvents& to, bool quiet, End& end);
  std::uint32_t dropped() const { return dropped_; }

 private:
  struct Message;
  void signal();
  void forget();
  void append(Message* message);
  Message* take_message();

  SemaphoreHandle_t lock_;
  SemaphoreHandle_t signal_;
  // Guarded by lock_.
  bool connected_ = false;
  bool session_present_ = false;
  bool ended_ = false;
  End end_{};
  std::uint32_t granted_ = 0;
  std::uint32_t not_granted_ = 0;
  std::uint32_t published_ = 0;
  Message* first_ = nullptr;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t dropped_ = 0;
  Message* partial_ = nullptr;  // esp-mqtt's task alone, and clear()
};

}  // namespace latchkey::esp_idf
