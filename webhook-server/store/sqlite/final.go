package sqlite

import "github.com/d1gateway/d1gateway/webhook-server/store"

// finalCounts counts the delivered and the dead, so that PruneBeyond need not, and all rows. Only the writer touches it, inside a transaction: after one that fails it
// is what it was before.
type finalCounts struct{ delivered, dead, rows int }

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

// manyDead is the share of dead rows, one of so many, from which on reading all rows of a run finds dead ones sooner than the index of what is final does: it names them in
// another order, and each is then looked up by itself, at ten to twenty times the cost of passing over a row.
const manyDead = 16

func (c *finalCounts) areManyDead() bool { return c.dead*manyDead > c.rows }
