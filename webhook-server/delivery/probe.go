package delivery

import (
	"cmp"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// probeChoice is how many due notifications a probe is chosen from. The store hands out what has been due for longest, and that is what
// has never been tried before any retry: a choice of as many as a suspect lane can start before its circuit opens reaches past them.
const probeChoice = int(opensAfter / spacing)

// keepProbe keeps the best of the claimed notifications and gives the others back.
func (d *Dispatcher) keepProbe(l *lane, claimed []store.Delivery) []store.Delivery {
	if len(claimed) < 2 {
		return claimed
	}
	best := chooseProbe(claimed)
	for i, c := range claimed {
		if i != best {
			d.release(l, c)
		}
	}
	return claimed[best : best+1]
}

// chooseProbe answers the index of the notification received first, and of several received together that of the most attempts: a
// backend that refuses each notification once accepts the retry of an early one. There must be at least one.
func chooseProbe(due []store.Delivery) int {
	best := 0
	for i, c := range due {
		if cmp.Or(c.ReceivedAt.Compare(due[best].ReceivedAt), cmp.Compare(due[best].Attempts, c.Attempts)) < 0 {
			best = i
		}
	}
	return best
}
