package cluster

import (
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
)

// shortestWatch is how long a watch lasts that told nothing and yet was one.
const shortestWatch = time.Second

// errEndedAtOnce is what client-go says nothing of: it takes a connection that is cut during the call for a watch without events.
var errEndedAtOnce = errors.New("the watch ended as soon as it had begun")

// observed is a watch whose errors are seen on their way. watch.Filter would leave a goroutine behind when its reader stops first.
type observed struct {
	watch.Interface
	events  chan watch.Event
	stopped chan struct{}
	stop    func()
}

func observe(w watch.Interface, see func(error)) watch.Interface {
	o := &observed{Interface: w, events: make(chan watch.Event), stopped: make(chan struct{})}
	o.stop = sync.OnceFunc(func() { close(o.stopped); w.Stop() })
	go o.pass(see)
	return o
}

func (o *observed) pass(see func(error)) {
	defer close(o.events)
	began, told := time.Now(), false
	for e := range o.Interface.ResultChan() {
		told = true
		if e.Type == watch.Error && !o.isStopped() { // a connection that we close ends with an error of its own
			see(apierrors.FromObject(e.Object))
		}
		select {
		case o.events <- e:
		case <-o.stopped:
			return
		}
	}
	if !told && !o.isStopped() && time.Since(began) < shortestWatch {
		see(errEndedAtOnce)
	}
}

func (o *observed) isStopped() bool {
	select {
	case <-o.stopped:
		return true
	default:
		return false
	}
}

// ResultChan answers the events of the watch.
func (o *observed) ResultChan() <-chan watch.Event { return o.events }

// Stop ends the watch.
func (o *observed) Stop() { o.stop() }
