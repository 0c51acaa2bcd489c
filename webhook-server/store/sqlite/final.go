package sqlite

import "github.com/d1gateway/d1gateway/webhook-server/store"

// finalCounts counts the delivered and the dead, so that PruneBeyond need not. Only the writer touches it, inside a transaction: after one that fails it
// is what it was before.
type finalCounts struct{ delivered, dead int }

func (c *finalCounts) add(state store.State, n int) {
	switch state {
	case store.Delivered:
		c.delivered += n
	case store.Dead:
		c.dead += n
	case store.Waiting:
	}
}

func (c *finalCounts) of(state store.State) int {
	if state == store.Dead {
		return c.dead
	}
	return c.delivered
}
