package sqlite

import (
	"slices"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestWhatIsClaimedWhileItIsReplayedIsDueEarlierOnceItIsReleased(t *testing.T) {
	q := newQueue(1)
	r := row{seq: 1, received: 10, nextAttempt: 100}
	r.ID, r.Lane, r.State = "msg_1", "lane", store.Waiting
	q.enter(r.Lane, r.waiting(), r.keyed())
	rows := q.withoutClaimed([]row{r})
	if len(rows) != 1 {
		t.Fatal("it counts as claimed")
	}
	c := q.claim(r.Lane, 100, 200, 1)[0]
	q.know(c, &r)
	q.replayed(rows, 50)
	if got := q.dueLanes(150); len(got) != 0 {
		t.Errorf("it is claimed, and due in %v", got)
	}
	if err := q.release(r.ID, c.lease); err != nil {
		t.Fatal(err)
	}
	if got := q.dueLanes(50); !slices.Equal(got, []string{r.Lane}) {
		t.Errorf("due lanes %v at the instant of the replay", got)
	}
}
