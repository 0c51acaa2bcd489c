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
//   - any other status, a redirect among them, and no answer at all: tried again by the destination's schedule. When that has no further
//     attempt, or when the next one would come after maxAgeHours, the notification is dead, with the reason of its last attempt.
//   - Retry-After (RFC 9110 section 10.2.3) is honoured on every answer that is tried again: it lengthens a wait and never shortens one. On
//     429 and 503 the whole lane waits as well, for at most a minute.
//
// # The schedule
//
// It is either a list, the delay before the second attempt and those after it, or a wait that doubles. Waits of a list are stretched by up to a fifth
// at random and never shortened; when the list is used up there is no further attempt. A Retry-After counts up to a day with a list, and
// up to maxSeconds with the other; one that goes beyond the age leaves a last attempt five minutes before it. Attempts and age count from when the notification was received or last replayed; the age
// begins anew at the end of a pause that it waited through.
//
// # A destination that is down
//
// After five failures in a row a lane is suspect: its attempts start one by one, at most fifty a second, so that the first retries still
// come within seconds when a destination refuses many notifications once. When nothing has succeeded for ten seconds since the first of
// the failures ended, the circuit opens: one attempt at a time, a second to a minute apart, made with the one received first of what
// has been due for longest. The first success closes it, and so does another URL, TLS or OAuth configuration. What the circuit holds back is not an attempt and costs none.
//
// When the circuit closes, what waits in the lane and failed for the reasons that opened it is made due, beside the lane and in steps: by its
// schedule it might wait for hours although its destination is back. Being due is not being sent: the lane drains as maxInFlight and
// maxPerSecond allow, the oldest due first, so the destination meets no herd. What was answered 429 keeps to what it was asked. A Retry-After
// of 503 was the destination's guess when it would be back, and it is. Attempts made ahead of a list cost none of it (placeInList), so a
// destination that comes and goes does not use up in an hour what is meant for days. A process that is started again meanwhile knows nothing of the
// circuit: there the schedule holds.
//
// # What is no attempt
//
// A fault of the egress proxy, and that the gateway or the merchant is not served: the notification waits, and neither its attempts nor
// its history change.
//
// Lanes that have met the proxy's fault take turns while nobody passes, one attempt at a time for all of them, a second to a minute apart, and those that have had
// fewest turns come first. The first that gets through sets all free. Other lanes go on, since many proxies answer for one dead destination as they do
// when they are broken themselves; once one of those has passed, what the lanes have met is their own matter, and each has a pause of its own, a second to
// a minute. While the proxy fails everybody nothing grows too old; when it fails a destination and lets others pass, the age counts.
//
// What has no destination is looked up again after a minute to an hour, and within a second of its return: each process notes what it has found
// missing, and looks through the lanes of a gateway that it has not known before.
//
// # Pauses
//
// People pause a lane or a whole gateway. Pauses are in the store and read every second, and at once by RefreshPauses; when they
// cannot be read, what was known last holds, and before they have been read once nothing is sent. A paused lane claims nothing. Attempts under way
// end as ever. What waited through a pause has had no chance: it gets an attempt however old it is, unless its destination
// has been down for maxAgeHours since. Forward is not concerned: D1 waits for its answer and nothing is kept.
//
// # Bounds
//
// Attempts of one lane are bounded by its maxInFlight and maxPerSecond, in each process. The first attempt of each lane is always its own; further ones
// come out of one shared bound, of which no lane gets more than a quarter, and the lanes of a namespace together no more than they leave free. So not even many dead or
// slow lanes together keep a lane from sending, and those of one tenant do not slow down another's.
//
// A claim holds for the destination's timeout and half a minute: what a process that was killed has claimed is delivered by others after that.
//
// A store that takes no outcomes, because it is full or away, is asked every second whether it works again. Until it does each lane makes one attempt at a
// time, and few: what cannot be recorded is sent again.
//
// A lane is woken when something is appended in this process or becomes due by its own doing. All lanes are looked at every five seconds, and when the
// store says that something becomes due, but not more than once a second: that finds what another process stored, or claimed and left.
package delivery
