/// Live news of runs: pages that show what changed ask anew, and logs grow line by line.

import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import { listen, type News } from './api'

type Listener = (news: News) => void
const listeners = new Set<Listener>()

/// Many steps of many runs change at once; a page asks once for all that came within this time.
const settle = 400

export function tell(news: News): void {
  for (const listener of listeners) listener(news)
}

/// Calls with each piece of news while the component is there.
export function useNews(listener: Listener): void {
  useEffect(() => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [listener])
}

/// Listens, and gives whether news come. Without EventSource pages are as old as their last look.
export function useLive(): boolean {
  const client = useQueryClient()
  const [live, setLive] = useState(false)
  useEffect(() => {
    if (typeof EventSource === 'undefined') return
    const changed = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const flush = () => {
      timer = undefined
      for (const noun of changed) void client.invalidateQueries({ queryKey: noun === '*' ? undefined : [noun] })
      changed.clear()
    }
    const later = (...nouns: string[]) => {
      for (const noun of nouns) changed.add(noun)
      timer ??= setTimeout(flush, settle)
    }
    const stop = listen((news) => {
      if (news.type === 'run') later('run', 'image')
      if (news.type === 'step') later('run')
      if (news.type === 'reset') later('*')
      tell(news)
    }, setLive)
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [client])
  return live
}
