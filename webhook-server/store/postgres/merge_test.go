package postgres

import (
	"testing"
	"time"
)

// A group that was tried in a run that somebody had closed is tried again in another one; what there was to merge into may have been claimed meanwhile.
func TestAMergeThatIsTriedAgainAnswersWhatBecomesOfIt(t *testing.T) {
	s := openForTest(t)
	n := due("msg_1", "a/b/c")
	n.Merge = true
	mustAppend(t, s, n)
	merged, other := n, n
	merged.ID, other.ID, other.UpdateType = "msg_2", "msg_3", "CARD_UPDATE"
	var group []*request[*appending]
	for _, n := range []*appending{{Notification: merged, lane: laneID(n.Lane)}, {Notification: other, lane: laneID(n.Lane)}} {
		group = append(group, &request[*appending]{work: n})
	}
	var c columns
	if inserted, err := s.mergeOrInsert(t.Context(), &openRun{number: 99_999}, &c, group); inserted || err != nil || group[0].work.answer != "msg_1" {
		t.Fatalf("inserted %t into a run that is closed, %v; answer %s", inserted, err, group[0].work.answer)
	}
	claimOne(t, s, "a/b/c", began().Add(time.Second))
	run, err := s.runs.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if inserted, err := s.mergeOrInsert(t.Context(), run, &c, group); !inserted || err != nil {
		t.Fatal(inserted, err)
	}
	if got := group[0].work.answer; got != "msg_2" {
		t.Errorf("it is stored as msg_2, and the answer is %s", got)
	}
	if _, err := s.Get(t.Context(), "msg_2"); err != nil {
		t.Error(err)
	}
}
