package replica

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// severalAge is how old the told use of one of several live credentials may get.
	severalAge = time.Minute
	// loneAge is the same for a client's only credential and for a signing key; those are told together, once in lonePause.
	loneAge   = time.Hour
	lonePause = 10 * time.Minute
)

// ledger knows what the objects of this replica hold and decides which of them are to be written. It is used by one goroutine.
type ledger struct {
	replica string
	// further is how many objects the uses are spread over; 0 keeps them in the replica's own.
	further int
	// objects are the reports that are there, by name.
	objects map[string]*v1alpha1.ReplicaReport
	// unsure are those that may hold something else, after a write that failed or one of somebody else.
	unsure map[string]bool
	// told are the uses in the objects.
	told     map[credential]told
	loneTold time.Time
}

// told is a use as an object tells it.
type told struct {
	seconds int64
	object  string // the name of the report
}

// facts are what there is to say.
type facts struct {
	documents *v1alpha1.ServedDocuments
	storeID   string
	draining  []v1alpha1.DrainingGateway
}

// plan is what to do, in this order, so that no use is missing from all objects in between.
type plan struct {
	writes  []*v1alpha1.ReplicaReport
	deletes []string
	// lone says that the uses are among them that are told once in lonePause.
	lone bool
}

func (p plan) empty() bool { return len(p.writes) == 0 && len(p.deletes) == 0 }

// newLedger begins with the objects that an earlier process of this name has left.
func newLedger(replica string, left []*v1alpha1.ReplicaReport) *ledger {
	l := &ledger{replica: replica, objects: map[string]*v1alpha1.ReplicaReport{}, unsure: map[string]bool{}, told: map[credential]told{}}
	further := 0
	for _, report := range left {
		l.wrote(report)
		if report.Name != replica {
			further++
		}
	}
	if further > 0 {
		for l.further = 2; l.further < further; {
			l.further *= 2
		}
	}
	return l
}

// documents plans what became of the documents and of draining gateways. Uses stay as they were told.
func (l *ledger) documents(f facts) plan {
	own := newReport(l.replica, l.replica)
	own.Documents, own.StoreID, own.Draining = f.documents, f.storeID, f.draining
	if before := l.objects[l.replica]; before != nil {
		own.Uses = before.Uses
	}
	return plan{writes: l.changed(own)}
}

// everything plans all objects. With all set every use is told anew, else those that are due, and those beside them in the same object.
func (l *ledger) everything(f facts, uses []use, now time.Time, all bool) plan {
	uses = slices.DeleteFunc(uses, func(u use) bool { return !u.fits() })
	further := spread(l.further, len(uses))
	moved := further != l.further
	l.further = further
	groups := map[string][]use{l.replica: nil}
	for n := range further {
		groups[furtherName(l.replica, n)] = nil
	}
	for _, u := range uses {
		name := l.replica
		if further > 0 {
			name = furtherName(l.replica, u.group(further))
		}
		groups[name] = append(groups[name], u)
	}
	var p plan
	lone := now.Sub(l.loneTold) >= lonePause
	// The highest number first: when objects are split, the new one has its part before the old one gives it up.
	for n := further - 1; n >= -1; n-- {
		name := l.replica
		if n >= 0 {
			name = furtherName(l.replica, n)
		}
		group := latest(groups[name])
		due, isLone := l.due(name, group, now, lone)
		p.lone = p.lone || isLone
		report := newReport(l.replica, name)
		if n < 0 {
			report.Documents, report.StoreID, report.Draining = f.documents, f.storeID, f.draining
		}
		if before := l.objects[name]; before != nil && !due && !moved && !all {
			report.Uses = before.Uses
		} else {
			report.Uses = usesOf(group)
		}
		p.writes = append(p.writes, l.changed(report)...)
	}
	for _, name := range slices.Sorted(maps.Keys(l.objects)) {
		if _, wanted := groups[name]; !wanted {
			p.deletes = append(p.deletes, name)
		}
	}
	return p
}

// due says whether the uses of an object are to be told anew, and whether only because it is time for those that may wait long.
func (l *ledger) due(object string, group []use, now time.Time, lone bool) (due, isLone bool) {
	listed := 0
	for _, u := range group {
		before, ok := l.told[u.credential]
		if !ok || before.object != object {
			return true, false
		}
		listed++
		age := now.Sub(time.Unix(before.seconds, 0))
		switch {
		case u.seconds <= before.seconds:
		case u.several && age >= severalAge:
			return true, false
		case lone && age >= loneAge:
			due, isLone = true, true
		}
	}
	if before := l.objects[object]; lone && before != nil && len(before.Uses) != listed {
		due, isLone = true, true // some are not known any more
	}
	return due, isLone
}

// changed answers the report if the object does not hold it already. An object without content is not made.
func (l *ledger) changed(report *v1alpha1.ReplicaReport) []*v1alpha1.ReplicaReport {
	before := l.objects[report.Name]
	if before == nil && report.Name != l.replica && len(report.Uses) == 0 {
		return nil
	}
	if before != nil && !l.unsure[report.Name] && sameContent(before, report) {
		return nil
	}
	return []*v1alpha1.ReplicaReport{report}
}

func sameContent(a, b *v1alpha1.ReplicaReport) bool {
	return a.Replica == b.Replica && equality.Semantic.DeepEqual(a.Documents, b.Documents) &&
		equality.Semantic.DeepEqual(a.Draining, b.Draining) && slices.EqualFunc(a.Uses, b.Uses, sameUse)
}

func sameUse(a, b v1alpha1.CredentialUse) bool {
	return a.Document == b.Document && a.ID == b.ID && a.LastUsedTime.Equal(&b.LastUsedTime)
}

// wrote takes up what an object holds now.
func (l *ledger) wrote(report *v1alpha1.ReplicaReport) {
	now := map[credential]bool{}
	for _, u := range report.Uses {
		if c, ok := parseCredential(u.Document, u.ID); ok {
			now[c] = true
			l.told[c] = told{u.LastUsedTime.Unix(), report.Name}
		}
	}
	l.untell(report.Name, now)
	l.objects[report.Name] = report
	delete(l.unsure, report.Name)
}

// untell forgets the uses that an object has told, but for those in keep.
func (l *ledger) untell(object string, keep map[credential]bool) {
	before := l.objects[object]
	if before == nil {
		return
	}
	for _, u := range before.Uses {
		c, ok := parseCredential(u.Document, u.ID)
		if ok && !keep[c] && l.told[c].object == object {
			delete(l.told, c)
		}
	}
}

// deleted takes up that an object is gone.
func (l *ledger) deleted(object string) {
	l.untell(object, nil)
	delete(l.objects, object)
	delete(l.unsure, object)
}

// doubt has an object written again or deleted: that it is there, and what it holds, is not known.
func (l *ledger) doubt(object string) {
	if l.objects[object] == nil {
		l.objects[object] = newReport(l.replica, object)
	}
	l.unsure[object] = true
}
