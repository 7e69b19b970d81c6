// SPDX-License-Identifier: Apache-2.0
// The door: whether the broker takes new TCP connections. While it is shut they wait in the kernel's queue, in the
// order in which they came, and cost the broker nothing; nobody who is in is touched. A listener on a Unix socket, the
// hub process's, is always open.
//
// The broker has no call for that. When its epoll set says that somebody is there, it takes all who wait, one after the
// other, until accept() fails. So the door takes its listeners' events out of that set, to put them back as they were
// (proc(5), fdinfo: what was registered is told, the broker's own pointer with it), and puts a socket that listens to
// nobody in the listeners' place, so that a shut door ends the taking right there. Where the kernel does not tell, the
// door stays open.
//
// One thread, the broker's.
#pragma once

#include <cstdint>
#include <vector>

namespace latchkey::hub::gate {

class Door {
 public:
  // Finds the listeners and their epoll set, and gives them queues of `backlog`. From the broker's first tick on:
  // before it the set does not exist. False when they cannot be shut.
  bool find(int backlog);
  Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  // Opens it.
  ~Door();
  // Shut or open; what it is already changes nothing.
  void set_open(bool open);

 private:
  struct Listener {
    int descriptor = -1;
    std::uint32_t events = 0;
    std::uint64_t data = 0;
    int kept = -1;  // the same listener, by another descriptor
  };
  std::vector<Listener> registered_in(int epoll) const;
  void forget();

  int epoll_ = -1;
  int nobody_ = -1;                  // a socket that listens to nobody
  std::vector<Listener> listeners_;  // on TCP
  bool open_ = true;
};

}  // namespace latchkey::hub::gate
