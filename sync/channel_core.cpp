#include "channel_core.hpp"

#include <algorithm>
#include <cassert>
#include <new>

#include "../runtime/loop_state.hpp"
#include "../runtime/selector/parking.hpp"

namespace eddy::inline v1::detail {

namespace {

// Ports of loops that do not wait at the moment are kept, so that a wait allocates nothing: more
// than these only while their loops do wait.
constexpr std::size_t most_idle_ports = 8;

mailbox* mailbox_here() noexcept {
  loop_core* const here = current_loop();
  return here ? state_of(*here).mail : nullptr;
}

}  // namespace

void channel_wakes::add(channel_end& e) noexcept {
  e.stands = channel_end::place::woken;
  ++core_.wakes_;
  if (e.spot) {
    threads_.push_back(e);
    return;
  }
  channel_port& port = *e.port;
  port.woken_.push_back(e);
  if (port.box_ == mailbox_here()) {
    channel_core::wake_all(port);
  } else if (!port.sent_) {
    port.sent_ = true;
    core_.hold();
    port.next_to_send_ = ports_;
    ports_ = &port;
  }
}

void channel_wakes::deliver() noexcept {
  // Whoever is woken may be gone at once, and so may a port once its mail was delivered.
  while (listed_waiter* first = threads_.front()) {
    threads_.remove(*first);
    static_cast<channel_end*>(first)->spot->unpark();
  }
  while (channel_port* port = ports_) {
    ports_ = port->next_to_send_;
    const loop_handle home = port->home_;
    if (!home.send(*port)) port->undelivered();
  }
}

void channel_port::deliver() {
  channel_core& core = core_;
  {
    const std::lock_guard lock(core.mutex_);
    sent_ = false;
    channel_core::wake_all(*this);
  }
  core.let_go();
}

// Its loop has ended: who was to be woken there gave up before, and handed on.
void channel_port::undelivered() noexcept {
  channel_core& core = core_;
  {
    const std::lock_guard lock(core.mutex_);
    assert(woken_.empty());
    sent_ = false;
  }
  core.let_go();
}

void channel_core::wake_all(channel_port& port) noexcept {
  while (listed_waiter* first = port.woken_.front()) {
    auto& e = static_cast<channel_end&>(*first);
    port.woken_.remove(e);
    --port.users_;
    e.stands = channel_end::place::outside;
    e.wake();
  }
}

channel_port* channel_core::find_port(const mailbox* box) noexcept {
  channel_port* p = ports_;
  while (p && p->box_ != box) p = p->next_;
  return p;
}

channel_port* channel_core::port_here() noexcept {
  mailbox* const here = mailbox_here();
  if (channel_port* found = find_port(here)) return found;
  if (port_count_ >= most_idle_ports) drop_idle_ports();
  auto* p = new (std::nothrow) channel_port(*this, *here);
  if (!p) return nullptr;
  p->next_ = ports_;
  ports_ = p;
  ++port_count_;
  return p;
}

void channel_core::drop_idle_ports() noexcept {
  for (channel_port** at = &ports_; *at;) {
    channel_port* const p = *at;
    if (p->sent_ || p->users_ > 0) {
      at = &p->next_;
      continue;
    }
    *at = p->next_;
    delete p;
    --port_count_;
  }
}

channel_core::channel_core(const channel_items& items, std::size_t capacity)
    : slots_(nullptr), capacity_(capacity), items_(items) {
  if (capacity > static_cast<std::size_t>(PTRDIFF_MAX) / items.size) throw std::bad_alloc();
  slots_ = static_cast<std::byte*>(
      ::operator new(capacity * items.size, std::align_val_t(items.alignment)));
}

channel_core::~channel_core() {
  assert(receivers_.empty() && senders_.empty() &&
         "the last handle of a channel was destroyed while somebody waits for it");
  for (; size_ > 0; --size_) {
    items_.destroy(slot(first_));
    if (++first_ == capacity_) first_ = 0;
  }
  ::operator delete(slots_, std::align_val_t(items_.alignment));
  while (channel_port* p = ports_) {
    ports_ = p->next_;
    delete p;
  }
}

void channel_core::take(channel_receiver& r, channel_wakes& wakes) noexcept {
  for (std::size_t count = std::min(r.left, size_ - promised_); count > 0;) {
    const std::size_t piece = std::min(count, capacity_ - first_);
    r.transfer(slot(first_), piece);
    r.moved += piece;
    r.left -= piece;
    count -= piece;
    size_ -= piece;
    first_ += piece;
    if (first_ == capacity_) first_ = 0;
  }
  if (!senders_.empty()) serve(wakes);
  offer(wakes);
  if (at_end() && !receivers_.empty()) end_receivers(wakes);
}

void channel_core::fill_from(channel_sender& s) noexcept {
  while (s.left > 0 && size_ < capacity_) {
    std::size_t end = first_ + size_;
    if (end >= capacity_) end -= capacity_;
    const std::size_t piece = std::min({s.left, capacity_ - size_, capacity_ - end});
    s.transfer(slot(end), piece);
    s.moved += piece;
    s.left -= piece;
    size_ += piece;
    sent_ += piece;
  }
  most_ = std::max(most_, size_);
}

void channel_core::serve(channel_wakes& wakes) noexcept {
  while (size_ < capacity_ && !senders_.empty()) {
    auto& s = static_cast<channel_sender&>(*senders_.front());
    fill_from(s);
    if (s.left > 0) return;
    senders_.remove(s);
    wakes.add(s);
  }
}

void channel_core::promise(channel_wakes& wakes) noexcept {
  auto& r = static_cast<channel_receiver&>(*receivers_.front());
  receivers_.remove(r);
  ++promised_;
  r.promised = true;
  wakes.add(r);
}

void channel_core::end_receivers(channel_wakes& wakes) noexcept {
  while (listed_waiter* first = receivers_.front()) {
    auto& r = static_cast<channel_receiver&>(*first);
    receivers_.remove(r);
    r.closed = true;
    wakes.add(r);
  }
}

bool channel_core::begin(channel_receiver& r) noexcept {
  channel_wakes wakes(*this);
  if (r.left == 0) return r.complete_now();
  if (size_ <= promised_) {
    if (at_end()) return r.complete_now();
    return stand(receivers_, r);
  }
  if (promised_ == 0) {
    if (!r.complete_now()) {
      take(r, wakes);
      return false;
    }
  } else {
    // Behind those of this loop who were promised an item before: it would take theirs.
    if (channel_port* port = find_port(mailbox_here())) wake_all(*port);
    r.park();
    r.wake();
  }
  ++promised_;
  r.promised = true;
  return true;
}

bool channel_core::begin(channel_sender& s) noexcept {
  channel_wakes wakes(*this);
  if (closed_) {
    s.closed = true;
    return s.complete_now();
  }
  // Before anything is sent of what it cannot wait with.
  if (s.left > capacity_ - size_ && !port_here()) {
    s.no_memory = true;
    return s.complete_now();
  }
  fill_from(s);
  offer(wakes);
  return s.left == 0 ? s.complete_now() : stand(senders_, s);
}

bool channel_core::stand(wait_list& line, channel_end& e) noexcept {
  e.port = port_here();
  if (!e.port) {
    e.no_memory = true;
    return e.complete_now();
  }
  ++e.port->users_;
  e.stands = channel_end::place::line;
  e.park();
  line.push_back(e);
  return true;
}

void channel_core::redeem(channel_receiver& r) noexcept {
  channel_wakes wakes(*this);
  --promised_;
  r.promised = false;
  take(r, wakes);
}

void channel_core::leave_line(wait_list& line, channel_end& e) noexcept {
  line.remove(e);
  e.stands = channel_end::place::outside;
  if (e.port) --e.port->users_;
}

// Its mail is on the way, and will find it gone.
void channel_core::leave_port(channel_end& e) noexcept { leave_line(e.port->woken_, e); }

bool channel_core::withdraw(channel_receiver& r) noexcept {
  const std::lock_guard lock(mutex_);
  if (r.stands != channel_end::place::line) return false;
  leave_line(receivers_, r);
  return true;
}

bool channel_core::withdraw(channel_sender& s) noexcept {
  const std::lock_guard lock(mutex_);
  if (s.stands != channel_end::place::line) return false;
  leave_line(senders_, s);
  return true;
}

void channel_core::give_up(channel_receiver& r) noexcept {
  channel_wakes wakes(*this);
  if (r.stands == channel_end::place::line) leave_line(receivers_, r);
  if (r.stands == channel_end::place::woken) leave_port(r);
  if (!r.promised) return;
  r.promised = false;
  --promised_;
  offer(wakes);
}

bool channel_core::give_up(channel_sender& s) noexcept {
  const std::lock_guard lock(mutex_);
  if (s.stands == channel_end::place::line) {
    leave_line(senders_, s);
    if (s.moved == 0) return true;
    s.wake();
    return false;
  }
  if (s.moved > 0 || s.left == 0) return false;
  if (s.stands == channel_end::place::woken) leave_port(s);
  return true;
}

// One item, and nobody else is concerned: the shorter the lock is held, the less the two ends run
// into each other.
bool channel_core::attempt(channel_receiver& r, parking_spot* spot) noexcept {
  mutex_.lock();
  if (r.left == 1 && size_ > promised_ && senders_.empty() && !closed_) {
    r.transfer(slot(first_), 1);
    --size_;
    if (++first_ == capacity_) first_ = 0;
    mutex_.unlock();
    ++r.moved;
    r.left = 0;
    return true;
  }
  channel_wakes wakes(*this, std::adopt_lock);
  if (r.left == 0 || at_end()) return true;
  if (size_ > promised_) {
    take(r, wakes);
    return true;
  }
  if (!spot) return false;
  r.spot = spot;
  r.stands = channel_end::place::line;
  receivers_.push_back(r);
  return false;
}

bool channel_core::attempt(channel_sender& s, parking_spot* spot) noexcept {
  mutex_.lock();
  if (s.left == 1 && size_ < capacity_ && receivers_.empty() && !closed_) {
    std::size_t end = first_ + size_;
    if (end >= capacity_) end -= capacity_;
    s.transfer(slot(end), 1);
    if (++size_ > most_) most_ = size_;
    ++sent_;
    mutex_.unlock();
    ++s.moved;
    s.left = 0;
    return true;
  }
  channel_wakes wakes(*this, std::adopt_lock);
  s.closed = closed_;
  if (closed_) return true;
  fill_from(s);
  offer(wakes);
  if (s.left == 0) return true;
  if (!spot) return false;
  s.spot = spot;
  s.stands = channel_end::place::line;
  senders_.push_back(s);
  return false;
}

void channel_core::close() noexcept {
  channel_wakes wakes(*this);
  closed_ = true;
  while (listed_waiter* first = senders_.front()) {
    auto& s = static_cast<channel_sender&>(*first);
    senders_.remove(s);
    s.closed = true;
    wakes.add(s);
  }
  if (at_end()) end_receivers(wakes);
}

channel_statistics channel_core::statistics() noexcept {
  const std::lock_guard lock(mutex_);
  channel_statistics result;
  result.depth = size_;
  result.capacity = capacity_;
  result.most = most_;
  result.waiting_receivers = receivers_.size();
  result.waiting_senders = senders_.size();
  result.sent = sent_;
  result.wakes = wakes_;
  result.closed = closed_;
  return result;
}

}  // namespace eddy::inline v1::detail
