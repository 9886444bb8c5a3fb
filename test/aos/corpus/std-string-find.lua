local o = {} local function add(...) o[#o + 1] = table.concat({ tostring((...)), tostring(select(2, ...)), tostring(select(3, ...)) }, ':') end
add(('hello world'):find('wor')) add(('hello'):find('l+')) add(('a.b'):find('.', 1, true)) add(('abc'):find('b', -1)) add(('abc'):find('')) add(('abc'):find('', 10)) add(('key=val'):find('(%w+)=(%w+)')) return table.concat(o, ' ')
--@ eval
('x'):find('[')
--@ eval
('x'):find('%')
