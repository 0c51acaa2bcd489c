package lookup

import (
	"container/list"
	"time"
)

// memory keeps an instant for each key, and of more than limit keys those that were set last. It is not safe for concurrent use.
type memory struct {
	limit int
	byKey map[key]*list.Element
	order *list.List // of entry, the one set first in front
}

type entry struct {
	key key
	at  time.Time
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, byKey: map[key]*list.Element{}, order: list.New()}
}

func (m *memory) get(k key) (time.Time, bool) {
	e, ok := m.byKey[k]
	if !ok {
		return time.Time{}, false
	}
	return e.Value.(entry).at, true
}

func (m *memory) set(k key, at time.Time) {
	m.delete(k)
	if m.order.Len() >= m.limit {
		m.delete(m.order.Front().Value.(entry).key)
	}
	m.byKey[k] = m.order.PushBack(entry{k, at})
}

func (m *memory) delete(k key) {
	if e, ok := m.byKey[k]; ok {
		m.order.Remove(e)
		delete(m.byKey, k)
	}
}
