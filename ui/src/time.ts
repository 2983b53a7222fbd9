/// Times and lengths of time for people.

const units: [string, number][] = [
  ['d', 86400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
]

/// "3 d", "2 h 5 min", "40 s": at most so many of the largest units.
export function duration(seconds: number, most = 2): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  let rest = whole
  for (const [name, length] of units) {
    const count = Math.floor(rest / length)
    rest -= count * length
    if (count > 0) parts.push(`${count} ${name}`)
    else if (parts.length > 0) break
    if (parts.length === most) break
  }
  return parts.join(' ') || '0 s'
}

/// "5 min ago", "in 2 h".
export function relative(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000
  if (Number.isNaN(seconds)) return time
  if (Math.abs(seconds) < 5) return 'now'
  const largest = duration(Math.abs(seconds), 1)
  return seconds < 0 ? `${largest} ago` : `in ${largest}`
}

/// "2026-11-23 14:05" in the reader's own zone.
export function moment(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return time
  const two = (number: number) => String(number).padStart(2, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`
  )
}
