// Package delivery brings each accepted notification to its destination, at least once.
//
// The store keeps what waits; the Dispatcher claims it lane by lane, a lane for each destination, so that one that is slow or dead for
// days delays no other. An attempt is one signed HTTP request (Sender), its Verdict one of a closed set of reasons. What comes next is
// decided by pure functions: decide, backoff and circuit.
//
// # What a destination receives
//
// POST with a CloudEvent 1.0 in HTTP binary content mode, signed by Standard Webhooks. The webhook-id is the same on each attempt: drop
// duplicates by it. What matters stands in the body, since the signature covers the id, the time of the attempt and the body, not headers.
//
// # What an answer means
//
//   - 2xx: delivered.
//   - 410: the notification is dead at once; nothing else ends it before its time.
//   - any other status, a redirect among them, and no answer at all: tried again, with exponential backoff and jitter, until the next
//     attempt would come after the destination's maxAgeHours. Then it is dead, with the reason of its last attempt.
//   - Retry-After (RFC 9110 section 10.2.3) is honoured on every answer that is tried again, up to the destination's maxSeconds. On 429
//     and 503 the whole lane pauses as well, for at most a minute.
//
// # A destination that is down
//
// After five failures in a row a lane is suspect: its attempts start one by one, at most fifty a second, so that the first retries still
// come within seconds when a destination refuses many notifications once. When nothing has succeeded for ten seconds since the first of
// the failures ended, the circuit opens: one attempt at a time, a second to a minute apart, made with the one received first of what
// has been due for longest. The first success closes it and the lane drains. What the circuit holds back is not an attempt and costs none.
//
// # Bounds
//
// Attempts of one lane are bounded by its maxInFlight and maxPerSecond. The first attempt of each lane is always its own; further ones
// come out of one shared bound, of which no lane gets more than a quarter. So not even many dead lanes together keep a lane from sending.
package delivery
