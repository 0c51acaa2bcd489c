package replicas

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

const (
	// skew is by how much the clock of a server may be behind this one's.
	skew = time.Minute
	// defaultDuration is how long a Lease that does not say holds.
	defaultDuration = 30 * time.Second
	// longestDuration is how long one holds at most: one that says years, by mistake or by intent, would hold up the status of everything.
	longestDuration = 2 * time.Minute
)

// pulse is what is known of a replica's Lease. That it is renewed is seen here, by this process's clock: the servers' clocks may differ.
type pulse struct {
	renewed  time.Time // as the replica writes it
	seen     time.Time // when that was first seen here
	duration time.Duration
}

// next answers the pulse after the Lease was looked at.
func (p pulse) next(lease *coordinationv1.Lease, now time.Time) pulse {
	duration := defaultDuration
	if d := lease.Spec.LeaseDurationSeconds; d != nil && *d > 0 {
		duration = min(time.Duration(*d)*time.Second, longestDuration)
	}
	var renewed time.Time
	if r := lease.Spec.RenewTime; r != nil {
		renewed = r.Time
	}
	switch {
	case p.seen.IsZero() && renewed.Add(duration+skew).Before(now):
		return pulse{renewed, renewed, duration} // an old one of a replica that is long gone
	case p.seen.IsZero() || !renewed.Equal(p.renewed):
		return pulse{renewed, now, duration}
	default:
		return pulse{renewed, p.seen, duration}
	}
}

func (p pulse) ends() time.Time { return p.seen.Add(p.duration) }

func (p pulse) beats(now time.Time) bool { return !p.seen.IsZero() && now.Before(p.ends()) }
